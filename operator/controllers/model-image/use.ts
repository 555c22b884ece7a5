import type { ModelImageStatus } from '../../api/model-image-status.ts'
import { timestamp } from '../../api/timestamp.ts'
import { redacted } from '../../images/checks/secret-patterns.ts'
import { short } from '../../images/digest.ts'
import type { ImageFacts } from '../../images/facts.ts'
import { type ImagePass, pinned } from './pass.ts'
import { humanSize } from './size.ts'

/** What the API server accepts; an image may say more. */
const MAX_ARGUMENTS = 128
const MAX_ARGUMENT_LENGTH = 4096
const MAX_PORTS = 64
const MAX_WORD = 64
const MAX_USER = 256
/** What the image before may have had, and this one may not. */
const OPTIONAL = ['candidate', 'indexDigest', 'tag', 'user', 'createdAt', 'pushedAt'] as const

/** Takes a verified image into use: endpoints run it from now on. */
export function use(pass: ImagePass, facts: ImageFacts): void {
  const { status, spec, generation, now, emit, log } = pass
  const { digest, indexDigest, tag, sizeBytes, layers, pushedAt, config } = facts
  const before = status.image
  for (const key of OPTIONAL) delete status[key]
  Object.assign(status, {
    verifiedGeneration: generation,
    reference: spec.image,
    image: pinned(facts),
    digest,
    shortDigest: short(digest),
    ...(indexDigest === undefined ? {} : { indexDigest }),
    ...(tag === undefined ? {} : { tag }),
    sizeBytes,
    size: humanSize(sizeBytes),
    layers: layers.length,
    platform: {
      ...(config.os ? { os: config.os.slice(0, MAX_WORD) } : {}),
      ...(config.architecture ? { architecture: config.architecture.slice(0, MAX_WORD) } : {}),
    },
    entrypoint: bounded(config.entrypoint),
    cmd: bounded(config.cmd),
    ...(config.user ? { user: config.user.slice(0, MAX_USER) } : {}),
    exposedPorts: config.exposedPorts.slice(0, MAX_PORTS),
    ...(config.createdAt ? { createdAt: config.createdAt } : {}),
    ...(pushedAt ? { pushedAt: timestamp(pushedAt) } : {}),
    resolvedAt: timestamp(now),
  } satisfies ModelImageStatus)
  emit('Normal', 'ImageResolved', `The image is ${status.image}, ${status.size}.`)
  log.info({ image: status.image, before }, 'took an image into use')
}

function bounded(list: string[]): string[] {
  return list.slice(0, MAX_ARGUMENTS).map((argument) => redacted(argument).slice(0, MAX_ARGUMENT_LENGTH))
}
