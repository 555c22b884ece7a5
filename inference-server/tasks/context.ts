import type { Budget } from '../core/budget.ts'
import type { Cache } from '../core/cache.ts'
import type { Lifetime } from '../core/lifetime.ts'
import type { Phases } from '../core/phases.ts'
import { decodePixels, readImageSize, splitResize } from '../images/decode.ts'
import type { Device } from '../runtime/device.ts'
import { type Offload, type Work, workModule } from '../runtime/offload.ts'
import type { TaskContext } from './task.ts'

const resampling: Work<typeof import('../images/resample.ts')> = workModule(
  new URL('../images/resample.ts', import.meta.url),
)

/** What all requests share. */
export type Shared = {
  device: Device
  offload: Offload
  cache: Cache
  /** Pixels that may be decoded at once. */
  pixels: Budget
  maxImagePixels: number
}

/** One request's view of what all share. */
export function taskContext(
  shared: Shared,
  request: { lifetime: Lifetime; phases: Phases; requestId: string },
): TaskContext {
  const { device, offload, cache, pixels, maxImagePixels } = shared
  const { lifetime, phases, requestId } = request
  const context: TaskContext = {
    requestId,
    phases,
    maxImagePixels,
    run: (model, feeds, options = {}) => device.run(model, feeds, options, request),
    offload: (work, name, args, { phase = 'postprocess', transfer = [] } = {}) =>
      offload.call(work, name, args, {
        lifetime,
        transfer,
        onTimes(waited, ran) {
          phases.add('queue', waited)
          phases.add(phase, ran)
        },
      }),
    async decode({ bytes }, resize, over) {
      const original = await phases.time('decode', () => readImageSize(bytes, maxImagePixels))
      const { shrink, enlarge } = splitResize(original, resize?.(original))
      // Held while it is decoded, and not while anything else is waited for.
      const release = await pixels.take(original.width * original.height, lifetime)
      try {
        const decoded = await phases.time('decode', () => decodePixels(bytes, maxImagePixels, shrink, over))
        if (!enlarge) return { original, pixels: decoded }
        const options = { phase: 'decode', transfer: [decoded.data.buffer] }
        return { original, pixels: await context.offload(resampling, 'resampleTo', [decoded, enlarge], options) }
      } finally {
        release()
      }
    },
    cached: (key, make) => cache.get(key, make),
  }
  return context
}
