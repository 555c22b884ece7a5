import { z } from 'zod'
import { matches, rules, s3Object, text, time } from './fields.ts'

/** InvokeEndpointAsync's limit for a body inside the request, in bytes. Larger inputs go by S3. */
export const MAX_INLINE_BYTES = 128_000

/** A key of a ConfigMap in the object's namespace. */
export const configMapKeyRef = z
  .object({
    name: text(253)
      .meta(
        rules(
          matches(
            '[a-z0-9]([a-z0-9.-]*[a-z0-9])?',
            "must be the name of a ConfigMap in this namespace: lower-case letters, digits, '-' and '.'",
          ),
        ),
      )
      .describe('Its name.'),
    key: text(253)
      .meta(rules(matches('[-._a-zA-Z0-9]+', "must be a key of the ConfigMap: letters, digits, '-', '_' and '.'")))
      .describe('The key in its data or binaryData.'),
  })
  .describe(
    'The request body as a key of a ConfigMap in the same namespace, read when a test is sent: up to 128,000 bytes.',
  )

const jsonCheck = z
  .object({
    path: text(256)
      .meta(
        rules(
          matches(
            String.raw`\$[^()?]*`,
            'must be a JSONPath that starts with $ and has no filters or scripts, such as $.predictions[0].label',
          ),
        ),
      )
      .describe('Where in the answer, as a JSONPath without filters and scripts. Something must be there.'),
    equals: text(1024, 0)
      .optional()
      .describe(
        'What everything found there must be: a string as it is, anything else as JSON writes it, such as 3, true or null.',
      ),
    matches: text(256)
      .meta(
        rules({
          // An expression that RE2 cannot read makes the rule fail.
          rule: "''.matches(self) in [true, false]",
          message: 'must be a regular expression',
        }),
      )
      .optional()
      .describe(
        'A regular expression that the first 4,096 characters of everything found there must match somewhere; ^ and $ tie it to the ends.',
      ),
  })
  .describe('One fact about an answer in JSON.')

/** What may be asked of an answer's body, wherever it comes from. */
export const bodyFields = () => ({
  contentType: text(1024).optional().describe('The content type that the answer must have.'),
  minBytes: z.int().min(0).max(1_073_741_824).optional().describe('The fewest bytes that the answer must have.'),
  maxBytes: z.int().min(0).max(1_073_741_824).optional().describe('The most bytes that the answer may have.'),
})

export const jsonPath = () =>
  z.array(jsonCheck).max(16).optional().describe('What must be true of an answer in JSON, of up to 1 MiB.')

export const BYTES_IN_ORDER = {
  rule: '!has(self.minBytes) || !has(self.maxBytes) || self.minBytes <= self.maxBytes',
  message: 'must not exceed maxBytes: lower minBytes or raise maxBytes',
  fieldPath: '.minBytes',
}

const expectation = z
  .object({
    status: z
      .enum(['Succeeded', 'Failed'])
      .default('Succeeded')
      .describe(
        'Whether the container must answer with success, so that the output object is there, or must refuse the request, so that the failure object is: for a request that is wrong on purpose.',
      ),
    ...bodyFields(),
    maxLatencySeconds: z
      .int()
      .min(1)
      .max(3600)
      .optional()
      .describe(
        'The longest time from the request to its answer, in seconds. Where no instance ran when the request was sent, the time counts from when one was first seen: waking up is not held against the model.',
      ),
    jsonPath: jsonPath(),
  })
  .meta(rules(BYTES_IN_ORDER))
  .describe('What must be true of the answer, besides that it came.')

export const smokeTest = z
  .object({
    input: z
      .object({
        inline: text(MAX_INLINE_BYTES)
          .meta(
            rules({
              rule: `bytes(self).size() <= ${MAX_INLINE_BYTES}`,
              message: 'may have 128,000 bytes, as SageMaker takes them: put a larger body into S3 and give its s3Uri',
            }),
          )
          .optional()
          .describe('The request body as text, up to 128,000 bytes.'),
        s3Uri: s3Object().optional().describe('The request body as an object in S3.'),
        configMapKeyRef: configMapKeyRef.optional(),
      })
      .meta(
        rules({
          rule: '[has(self.inline), has(self.s3Uri), has(self.configMapKeyRef)].filter(given, given).size() == 1',
          message:
            'needs exactly one of inline, s3Uri and configMapKeyRef: give the body as text, or say where it lies',
        }),
      )
      .describe('What to send.'),
    contentType: text(1024).describe('The content type of the input, such as application/json.'),
    accept: text(1024).optional().describe('The content type to ask for.'),
    customAttributes: text(1024).optional().describe('Passed to the container in X-Amzn-SageMaker-Custom-Attributes.'),
    timeoutSeconds: z
      .int()
      .min(10)
      .max(3600)
      .default(600)
      .describe('How long the answer may take, in seconds, the start of an instance included.'),
    intervalSeconds: z
      .int()
      .min(3600)
      .max(31_536_000)
      .optional()
      .describe(
        'Tests again so long after the end of the last test, in seconds. Left out while no instance runs: a scheduled test wakes nothing. Only two failures in a row count.',
      ),
    expect: expectation.optional(),
  })
  .describe(
    'One real request that must be answered before the endpoint counts as Ready: after creation, after each update, and for each new value of the annotation mooring.dev/smoke-test.',
  )

const milliseconds = () => z.int().min(0).max(Number.MAX_SAFE_INTEGER)
const trigger = () => z.enum(['Created', 'Updated', 'Annotation', 'Schedule'])
const answered = () => ({
  trigger: trigger().optional().describe('What it was sent for.'),
  endpointConfigName: text(63).optional().describe('The endpoint configuration that it tested.'),
  message: text(1024, 0).optional().describe('Why it failed.'),
  startedAt: time().describe('When the request was sent.'),
  finishedAt: time().optional().describe('When it was decided.'),
  durationMs: milliseconds().optional().describe('From the request to its answer, in ms, waking up included.'),
  latencyMs: milliseconds()
    .optional()
    .describe('The same, counted from when an instance was first seen, where none ran at first.'),
  bytes: milliseconds().optional().describe('The size of the answer, in bytes.'),
})

export const smokeTestStatus = z
  .object({
    revision: text(128).describe('What was tested: changes with the image, the configuration and the test itself.'),
    annotation: text(64).optional().describe('Which value of the annotation mooring.dev/smoke-test was seen.'),
    result: z.enum(['Pending', 'Passed', 'Failed']).describe('How it went.'),
    ...answered(),
    inferenceId: text(64).optional().describe("SageMaker's id of the request."),
    outputLocation: text(1024).optional().describe('Where the answer appears.'),
    failureLocation: text(1024).optional().describe('Where an error appears.'),
    fromZero: z.boolean().optional().describe('Whether no instance ran when it was sent.'),
    instanceSeenAt: time().optional().describe('When an instance was first seen after that.'),
    failures: z
      .int()
      .min(0)
      .max(1_000_000)
      .optional()
      .describe('How many scheduled tests in a row have failed. One is not believed yet.'),
    last: z
      .object({ result: z.enum(['Passed', 'Failed']).describe('How it went.'), ...answered() })
      .optional()
      .describe('The test before, while this one is pending.'),
  })
  .describe('The newest smoke test.')

export type SmokeTestStatus = z.infer<typeof smokeTestStatus>
