import { z } from 'zod'
import { conditions, defaulted, generation, matches, rules, text, time } from './fields.ts'
import { imageCheckResults, imageChecks } from './image-checks.ts'
import type { Resource } from './object.ts'

const ECR = String.raw`[0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/.*`
const REPOSITORY = '[^/]*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[^/]*|@.*)?'
const TAGGED_OR_PINNED = '[^:@]*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|@sha256:[a-f0-9]{64})'

export const modelImageSpec = z
  .object({
    image: text(512)
      .meta(
        rules(
          matches(
            ECR,
            'must be an image in Amazon ECR, the only registry SageMaker pulls from: push it there and write <account id>.dkr.ecr.<region>.amazonaws.com/<repository>:<tag>',
          ),
          matches(
            REPOSITORY,
            "the repository may hold lower-case letters and digits, joined by '.', '_', '-' and '/': write it as ECR lists it",
          ),
          matches(
            TAGGED_OR_PINNED,
            'needs a tag or a digest, one of them: end it with :<tag> or with @sha256:<64 hexadecimal digits>',
          ),
        ),
      )
      .describe(
        'The image reference: <account id>.dkr.ecr.<region>.amazonaws.com/<repository>, then :<tag> or @sha256:<digest>. A tag is resolved to the digest behind it, and endpoints run that digest.',
      ),
    resolveIntervalSeconds: z
      .int()
      .min(60)
      .max(86_400)
      .default(300)
      .describe('How often to look whether the tag has moved, in seconds.'),
    checks: defaulted(imageChecks),
  })
  .describe('What the user asks for.')

export const modelImageStatus = z
  .object({
    observedGeneration: generation().optional().describe('The metadata.generation that this status speaks about.'),
    conditions: conditions()
      .optional()
      .describe('Resolved: the image was found and pinned to a digest. Ready follows from it.'),
    image: text(600).optional().describe('The pinned reference, <repository>@<digest>: what endpoints run.'),
    digest: text(80).optional().describe('The digest of the image manifest for the platform.'),
    shortDigest: text(12).optional().describe('The first 12 hexadecimal digits of the digest.'),
    sizeBytes: z
      .int()
      .min(0)
      .max(Number.MAX_SAFE_INTEGER)
      .optional()
      .describe('The size of the compressed layers, in bytes.'),
    size: text(32).optional().describe('The size for people, such as 22.1 GB.'),
    platform: z
      .object({
        os: text(64).optional().describe('Operating system; SageMaker runs linux.'),
        architecture: text(64).optional().describe('Processor architecture, such as amd64.'),
      })
      .optional()
      .describe('What the image was built for.'),
    entrypoint: z.array(text(4096, 0)).max(128).optional().describe("The image's ENTRYPOINT."),
    cmd: z
      .array(text(4096, 0))
      .max(128)
      .optional()
      .describe("The image's CMD; SageMaker passes the argument `serve` in its place."),
    exposedPorts: z.array(text(16)).max(64).optional().describe('Ports that the image declares, such as 8080/tcp.'),
    layers: z.int().min(0).max(10_000).optional().describe('The number of layers.'),
    createdAt: time().optional().describe('When the image was built, by its own configuration.'),
    pushedAt: time().optional().describe('When the image was pushed, by the registry.'),
    checks: imageCheckResults.optional(),
    resolvedAt: time().optional().describe('When this digest was first seen behind the reference.'),
  })
  .describe('What Mooring has seen.')

export const modelImage = z
  .object({ spec: modelImageSpec, status: modelImageStatus.optional() })
  .describe('A container image for SageMaker, pinned to the digest behind its reference and looked into.')

export type ModelImageSpec = z.infer<typeof modelImageSpec>
export type ModelImageStatus = z.infer<typeof modelImageStatus>
export type ModelImage = Resource<ModelImageSpec, ModelImageStatus>
