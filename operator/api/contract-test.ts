import { z } from 'zod'
import { defaulted, matches, type Rule, rules, text, time } from './fields.ts'
import { BYTES_IN_ORDER, bodyFields, configMapKeyRef, jsonPath } from './smoke-test.ts'

/** Of one input in the object itself, in bytes. Larger ones go by ConfigMap. */
export const MAX_INPUT_BYTES = 16_384
/** SageMaker sends SIGKILL so long after SIGTERM. */
export const SAGEMAKER_TERMINATION_SECONDS = 30
/** Of the log that status keeps. */
export const MAX_LOG_LINES = 50
export const MAX_LOG_LINE_LENGTH = 300
/** Verdicts over other digests, or over this one with another test, that status remembers. */
export const MAX_EARLIER = 10
export const MAX_INVOCATIONS = 8

const DNS_LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const DNS_NAME = '[a-z0-9]([-.a-z0-9]*[a-z0-9])?'
const QUANTITY = '[0-9]+([.][0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?'

const nameOf = (what: string) =>
  text(253).meta(
    rules(
      matches(DNS_NAME, `must be the name of a ${what}: lower-case letters, digits, '-' and '.', as kubectl lists it`),
    ),
  )

/** A map with bounded keys and values. */
const map = (size: number, value: z.ZodString, ...more: Rule[]) =>
  z.record(z.string(), value).meta({
    maxProperties: size,
    ...rules(
      { rule: 'self.all(name, name.size() <= 317)', message: 'names may have 317 characters: shorten the name' },
      ...more,
    ),
  })

const quantities = () =>
  map(
    16,
    text(32).meta(
      rules(matches(QUANTITY, 'must be a quantity, such as 500m, 2 or 16Gi, without a sign or an exponent')),
    ),
  ).optional()

const input = z
  .object({
    inline: text(MAX_INPUT_BYTES, 0)
      .meta(
        rules({
          rule: `bytes(self).size() <= ${MAX_INPUT_BYTES}`,
          message: 'may have 16,384 bytes: put a larger body into a ConfigMap and name its key in configMapKeyRef',
        }),
      )
      .optional()
      .describe('The request body as text, up to 16,384 bytes.'),
    base64: text(21_848, 0)
      .meta(
        rules(
          matches(
            '([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?',
            'must be base64 with its padding and without line breaks, as `base64 -w0` writes it',
          ),
        ),
      )
      .optional()
      .describe('The request body in base64, for bodies that are not text; up to 16,384 bytes.'),
    configMapKeyRef: configMapKeyRef
      .optional()
      .describe('The request body as a key of a ConfigMap in the same namespace, mounted into the probe: up to 1 MiB.'),
  })
  .meta(
    rules({
      rule: '[has(self.inline), has(self.base64), has(self.configMapKeyRef)].filter(given, given).size() == 1',
      message:
        'needs exactly one of inline, base64 and configMapKeyRef: give the body as text, as base64, or say where it lies',
    }),
  )
  .describe('What to send.')

const expectation = z
  .object({
    status: z
      .int()
      .min(100)
      .max(599)
      .default(200)
      .describe(
        'The HTTP status that the container must answer with. Another than 200 is for a request that is wrong on purpose.',
      ),
    ...bodyFields(),
    maxLatencyMilliseconds: z
      .int()
      .min(1)
      .max(3_600_000)
      .optional()
      .describe('The longest time from the request to the last byte of its answer, in ms.'),
    jsonPath: jsonPath(),
  })
  .meta(rules(BYTES_IN_ORDER))

const invocation = z
  .object({
    name: text(63)
      .meta(rules(matches(DNS_LABEL, "must be a name of lower-case letters, digits and '-', such as one-cat")))
      .describe('For messages and status.'),
    path: text(512)
      .meta(rules(matches('/[!-~]*', 'must be a path that starts with /, percent-encoded')))
      .default('/invocations')
      .describe('SageMaker calls /invocations only; another path is for what a container offers beside it.'),
    contentType: text(1024).default('application/json').describe('The content type of the input.'),
    accept: text(1024).optional().describe('The content type to ask for.'),
    customAttributes: text(1024).optional().describe('Passed in X-Amzn-SageMaker-Custom-Attributes.'),
    input,
    timeoutSeconds: z
      .int()
      .min(1)
      .max(3600)
      .default(60)
      .describe('How long the answer may take, in seconds. SageMaker gives an asynchronous request up to 3600.'),
    expect: defaulted(expectation).describe('What must be true of the answer.'),
  })
  .describe('One sample request and what its answer must be.')

const modelData = z
  .object({
    persistentVolumeClaim: z
      .object({
        claimName: nameOf('PersistentVolumeClaim').describe('Its name, in the same namespace.'),
        subPath: text(512)
          .meta(
            rules({
              rule: "!self.startsWith('/') && self.split('/').all(part, part != '..')",
              message: "must be a path inside the volume: without a leading / and without '..'",
            }),
          )
          .optional()
          .describe('A folder in the volume, mounted in place of the whole.'),
      })
      .optional()
      .describe('A volume that holds the unpacked model.'),
    empty: z
      .boolean()
      .optional()
      .describe('An empty folder, for a server that must start without a model: true or left out.'),
  })
  .meta(
    rules({
      rule: 'has(self.persistentVolumeClaim) != (has(self.empty) && self.empty)',
      message:
        'needs exactly one of persistentVolumeClaim and empty: true; leave modelData out for a model inside the image',
    }),
  )
  .describe(
    'What is mounted at /opt/ml/model, read-only, as SageMaker mounts modelDataUrl. Left out: nothing is mounted, and a model that the image itself has there stays visible.',
  )

const toleration = z.object({
  key: text(317).optional().describe('Of the taint; all taints when empty.'),
  operator: z.enum(['Exists', 'Equal']).optional().describe('Equal where it is left out.'),
  value: text(63, 0).optional().describe('Of the taint.'),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional().describe('All where it is left out.'),
  tolerationSeconds: z.int().min(0).max(86_400).optional().describe('How long a NoExecute taint is tolerated.'),
})

export const contractTest = z
  .object({
    required: z
      .boolean()
      .default(true)
      .describe(
        'Whether an endpoint may use a digest only after it has passed. false: it is waited for and told, and blocks nothing.',
      ),
    pingTimeoutSeconds: z
      .int()
      .min(1)
      .max(3600)
      .default(240)
      .describe(
        "How long the container may take from its start to answering GET /ping with 200, in seconds. SageMaker's own limit is 240 where containerStartupHealthCheckTimeoutSeconds says nothing else.",
      ),
    invocations: z
      .array(invocation)
      .max(MAX_INVOCATIONS)
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
      .optional()
      .describe('Sample requests, sent one after the other once /ping is good.'),
    timeoutSeconds: z
      .int()
      .min(10)
      .max(14_400)
      .default(1800)
      .describe('How long the pings and invocations may take together, in seconds.'),
    terminationSeconds: z
      .int()
      .min(1)
      .max(SAGEMAKER_TERMINATION_SECONDS)
      .default(SAGEMAKER_TERMINATION_SECONDS)
      .describe('Within how many seconds the container must exit after SIGTERM. SageMaker kills it after 30.'),
    startTimeoutSeconds: z
      .int()
      .min(60)
      .max(21_600)
      .default(1800)
      .describe(
        'How long finding a node and pulling the image may take, in seconds. Running out of it is not held against the image.',
      ),
    modelData: modelData.optional(),
    environment: map(100, text(1024, 0), {
      rule: "self.all(name, name.matches('^[a-zA-Z_][a-zA-Z0-9_]*$'))",
      message: 'names of variables may hold letters, digits and _, and start with no digit: rename the variable',
    })
      .optional()
      .describe("Environment variables for the container, as in an endpoint's model.environment."),
    isolation: z
      .boolean()
      .default(true)
      .describe(
        'Cuts the test off from the network by a NetworkPolicy, as enableNetworkIsolation does in SageMaker. Takes effect where the network plugin of the cluster enforces such policies.',
      ),
    resources: z
      .object({
        requests: quantities().describe('What the node must have to spare, such as cpu: "2", memory: 8Gi.'),
        limits: quantities().describe('What the container may use, such as nvidia.com/gpu: "1".'),
      })
      .optional()
      .describe('Compute resources of the container, as in a Pod.'),
    nodeSelector: map(16, text(63, 0)).optional().describe('Labels that the node must have.'),
    tolerations: z.array(toleration).max(16).optional().describe('Taints that the node may have.'),
    runtimeClassName: nameOf('RuntimeClass').optional().describe('Such as nvidia, where GPUs need one.'),
    serviceAccountName: nameOf('ServiceAccount')
      .optional()
      .describe('For its image pull secrets; no token of it is mounted. Default: the default of the namespace.'),
    podSecurity: z
      .enum(['Baseline', 'Restricted'])
      .default('Baseline')
      .describe(
        'What the container may do. Baseline: run as the user of its image, root included, as in SageMaker. Restricted: never root, no capabilities; for namespaces that enforce it.',
      ),
  })
  .meta(
    rules({
      rule: 'self.pingTimeoutSeconds <= self.timeoutSeconds',
      message: 'must not exceed timeoutSeconds, which counts the pings in: lower it or raise timeoutSeconds',
      fieldPath: '.pingTimeoutSeconds',
    }),
  )
  .describe(
    'Runs the very image in a Job of this cluster as SageMaker would, with the argument serve, before an endpoint uses it: /ping, sample requests, SIGTERM. Left out: no test.',
  )

const verdict = () => z.enum(['Passed', 'Failed', 'Error'])
const count = (max: number) => z.int().min(0).max(max)

export const contractTestStatus = z
  .object({
    image: text(600).describe('The pinned reference that it is about.'),
    digest: text(80).describe('Its digest.'),
    revision: text(32).describe(
      'Of the test: changes with spec.contractTest and the annotation mooring.dev/contract-test.',
    ),
    state: z
      .enum(['Pending', 'Running', 'Passed', 'Failed', 'Error'])
      .describe(
        'Passed and Failed are final for this digest and this test. Error: the test could not be run, which says nothing about the image.',
      ),
    message: text(1024, 0).describe('What was found, and the remedy.'),
    jobName: text(63).optional().describe('The Job, as long as it is there.'),
    attempt: count(100).describe('How often it was begun; more than once after evictions and the like.'),
    retryAfter: time().optional().describe('When it is begun once more, where it could not be run.'),
    startedAt: time().optional().describe('When it was begun.'),
    finishedAt: time().optional().describe('When it was decided.'),
    phases: z
      .array(
        z.object({
          name: text(80).describe('One of schedule, pull, ping, the name of an invocation, and terminate.'),
          verdict: z.enum(['Pass', 'Warn', 'Fail', 'Skipped']).describe('How it went.'),
          message: text(300, 0).optional().describe('What was found, and the remedy.'),
          milliseconds: count(Number.MAX_SAFE_INTEGER).optional().describe('How long it took.'),
        }),
      )
      .max(MAX_INVOCATIONS + 6)
      .optional()
      .describe('What was done, in order.'),
    logTail: z
      .array(text(MAX_LOG_LINE_LENGTH + 1, 0))
      .max(MAX_LOG_LINES)
      .optional()
      .describe('The last lines that the container printed, cut.'),
    earlier: z
      .array(
        z.object({
          digest: text(80).describe('Of the image.'),
          revision: text(32).describe('Of the test.'),
          state: verdict().describe('How it went.'),
          message: text(1024, 0).describe('What was found.'),
          finishedAt: time().describe('When it was decided.'),
        }),
      )
      .max(MAX_EARLIER)
      .optional()
      .describe('Verdicts over other digests, or of other tests, newest first: none of them is run again.'),
  })
  .describe('The contract test of the newest digest.')

export type ContractTest = z.infer<typeof contractTest>
/** As a person writes it: what has a default may be left out. */
export type ContractTestInput = z.input<typeof contractTest>
export type Invocation = z.infer<typeof invocation>
export type ContractTestStatus = z.infer<typeof contractTestStatus>
