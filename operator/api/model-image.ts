import { z } from 'zod'
import { contractTest } from './contract-test.ts'
import { defaulted, matches, rules, text } from './fields.ts'
import { imageChecks } from './image-checks.ts'
import { inferenceAmiVersion, instanceType } from './instance.ts'
import { type ModelImageStatus, modelImageStatus } from './model-image-status.ts'
import type { Resource } from './object.ts'

const HOST = '(localhost|[^/]*[.:][^/]*)/.*'
const REPOSITORY = '[^/]*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[^/]*|@.*)?'
const TAGGED_OR_PINNED = '[^:@]*(:[0-9]+/[^:@]*)?(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|@sha256:[a-f0-9]{64})?'

/** How endpoints follow what is behind the reference: these, or a range of versions. */
export const UPDATE_MODES = ['Automatic', 'Manual'] as const
const RANGE = '[0-9v^~<>=*][0-9A-Za-z.*^~<>=| -]*'
const BY_RANGE = `!(self.update in ['${UPDATE_MODES.join("', '")}'])`

export const modelImageSpec = z
  .object({
    image: text(512)
      .meta(
        rules(
          matches(
            HOST,
            'must begin with the registry: write <account id>.dkr.ecr.<region>.amazonaws.com/<repository>:<tag>, or another registry’s host in its place',
          ),
          matches(
            REPOSITORY,
            "the repository may hold lower-case letters and digits, joined by '.', '_', '-' and '/': write it as the registry lists it",
          ),
          matches(
            TAGGED_OR_PINNED,
            'takes one tag or one digest: end it with :<tag> or with @sha256:<64 hexadecimal digits>',
          ),
        ),
      )
      .describe(
        'The image reference: <account id>.dkr.ecr.<region>.amazonaws.com/<repository>, then :<tag> or @sha256:<digest>; neither where spec.update is a range of versions. Another registry can be named too, but SageMaker pulls from Amazon ECR only. A tag is resolved to the digest behind it, and endpoints run that digest.',
      ),
    imagePullSecrets: z
      .array(z.object({ name: text(253).describe('Its name.') }))
      .max(8)
      .optional()
      .describe(
        'Secrets of type kubernetes.io/dockerconfigjson in this namespace, to read a registry other than Amazon ECR with.',
      ),
    update: text(128)
      .default('Automatic')
      .meta(
        rules(
          matches(
            [...UPDATE_MODES, RANGE].join('|'),
            "must be Automatic, Manual, or a range of versions such as '^1.4' or '>=2.0.0 <3.0.0'",
          ),
        ),
      )
      .describe(
        'Whether endpoints follow: Automatic: whatever the tag is moved to, once it is verified. Manual: only what the annotation mooring.dev/approve names by its digest. A range of semantic versions, such as ^1.4 or ">=2.0 <3": the newest tag of the repository in it.',
      ),
    resolveIntervalSeconds: z
      .int()
      .min(60)
      .max(86_400)
      .default(300)
      .describe('How often to look whether the tag has moved, in seconds.'),
    target: z
      .object({
        instanceTypes: z
          .array(instanceType())
          .max(8)
          .optional()
          .describe(
            'The instance types that are to run the image. Of an image index, the image for their processor architecture is taken; without this, that for amd64.',
          ),
        inferenceAmiVersion: inferenceAmiVersion
          .optional()
          .describe('The machine image of those instances, which fixes the driver and the CUDA version.'),
      })
      .optional()
      .describe('What the image is checked for.'),
    checks: defaulted(imageChecks),
    contractTest: contractTest.optional(),
  })
  .meta(
    rules({
      rule: `(${BY_RANGE}) != self.image.matches('(:[^/]+|@[^/]+)$')`,
      message:
        'needs a tag or a digest: end it with :<tag> or with @sha256:<64 hexadecimal digits>. With a range of versions in spec.update, which chooses the tag, it takes neither',
      fieldPath: '.image',
    }),
  )
  .describe('What the user asks for.')

export const modelImage = z
  .object({ spec: modelImageSpec, status: modelImageStatus.optional() })
  .describe('A container image for SageMaker, pinned to the digest behind its reference and proven before it is used.')

export type { ModelImageStatus }
export type ModelImageSpec = z.infer<typeof modelImageSpec>
export type ModelImage = Resource<ModelImageSpec, ModelImageStatus>
