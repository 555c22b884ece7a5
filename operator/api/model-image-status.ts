import { z } from 'zod'
import { contractTestStatus } from './contract-test.ts'
import { conditions, generation, text, time } from './fields.ts'
import { imageCheckResults } from './image-checks.ts'

export const HISTORY_LIMIT = 10

const digest = () => text(80).describe('The digest of the image manifest for the platform.')
const shortDigest = () => text(12).describe('The first 12 hexadecimal digits of the digest.')
const indexDigest = () => text(80).describe('The digest of the index that the reference names, where it names one.')
const tag = () => text(128).describe('The tag that led to it.')
const sizeBytes = () =>
  z.int().min(0).max(Number.MAX_SAFE_INTEGER).describe('The size of the compressed layers, in bytes.')
const size = () => text(32).describe('The size for people, such as 22.1 GB.')
const layers = () => z.int().min(0).max(10_000).describe('The number of layers.')
const pushedAt = () => time().describe('When the image was pushed, by the registry.')

const candidate = z
  .object({
    image: text(600).describe('The pinned reference, <repository>@<digest>.'),
    digest: digest(),
    shortDigest: shortDigest(),
    indexDigest: indexDigest().optional(),
    tag: tag().optional(),
    state: z
      .enum(['Checking', 'Testing', 'Rejected', 'AwaitingApproval'])
      .describe(
        'What keeps it from being used: it is being looked at, its contract test runs, it did not pass, or it is to be approved.',
      ),
  })
  .describe(
    'What the reference stands for now, where that is not in use. Endpoints stay on the image in use meanwhile.',
  )

const seen = z.object({
  digest: digest(),
  shortDigest: shortDigest(),
  tag: tag().optional(),
  outcome: z
    .enum(['InUse', 'Replaced', 'Pending', 'Rejected', 'Superseded'])
    .describe(
      'What became of it: it is in use, was in use, is not decided, did not pass, or gave way to a newer one before it was used.',
    ),
  foundAt: time().describe('When it was first seen behind the reference.'),
  pushedAt: pushedAt().optional(),
  sizeBytes: sizeBytes(),
  size: size(),
  layers: layers(),
  newLayers: layers().optional().describe('How many of its layers the one before it in this list does not have.'),
  newSize: size().optional().describe('The compressed size of those layers.'),
})

export const modelImageStatus = z
  .object({
    observedGeneration: generation().optional().describe('The metadata.generation that this status speaks about.'),
    conditions: conditions()
      .optional()
      .describe(
        'Resolved: there is an image behind the reference. Verified: it passed its checks. Ready follows from these. UpdateAvailable: it waits for approval.',
      ),
    verifiedGeneration: generation()
      .optional()
      .describe(
        'The metadata.generation for which the image in use was last found good. A new endpoint starts with it only while that is the newest.',
      ),
    reference: text(512).optional().describe('What spec.image was when the image in use was taken.'),
    image: text(600)
      .optional()
      .describe('The image in use, as <repository>@<digest>: what endpoints run. Only a verified one replaces it.'),
    digest: digest().optional(),
    shortDigest: shortDigest().optional(),
    indexDigest: indexDigest().optional(),
    tag: tag().optional(),
    sizeBytes: sizeBytes().optional(),
    size: size().optional(),
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
    user: text(256).optional().describe("The image's USER; root where there is none."),
    exposedPorts: z.array(text(16)).max(64).optional().describe('Ports that the image declares, such as 8080/tcp.'),
    layers: layers().optional(),
    createdAt: time().optional().describe('When the image was built, by its own configuration.'),
    pushedAt: pushedAt().optional(),
    resolvedAt: time().optional().describe('Since when the image is in use.'),
    candidate: candidate.optional(),
    checkedDigest: text(12).optional().describe('The digest that status.checks speaks of, short.'),
    checks: imageCheckResults.optional(),
    contractTest: contractTestStatus.optional(),
    history: z
      .array(seen)
      .max(HISTORY_LIMIT)
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['digest'] })
      .optional()
      .describe('The digests seen behind the reference, the newest first.'),
  })
  .describe('What Mooring has seen.')

export type ModelImageStatus = z.infer<typeof modelImageStatus>
