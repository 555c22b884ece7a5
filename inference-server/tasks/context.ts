import type { Budget } from '../core/budget.ts'
import type { Cache, Hold } from '../core/cache.ts'
import type { Lifetime } from '../core/lifetime.ts'
import type { Phases } from '../core/phases.ts'
import { type RgbImage, readImageSize, type Size } from '../images/decode.ts'
import type { Device } from '../runtime/device.ts'
import { type Offload, type Work, workModule } from '../runtime/offload.ts'
import type { DecodeOptions, InputFile, TaskContext } from './task.ts'

const decoding: Work<typeof import('../images/decode-work.ts')> = workModule(
  new URL('../images/decode-work.ts', import.meta.url),
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
  request: { lifetime: Lifetime; phases: Phases; requestId: string; hold: Hold },
): TaskContext {
  const { device, offload, cache, pixels, maxImagePixels } = shared
  const { lifetime, phases, requestId, hold } = request
  async function decodeFor(
    { bytes }: InputFile,
    { resize, over, phase = 'preprocess' }: DecodeOptions,
    { url }: { url: string },
    name: string,
    argsOf: (original: Size) => readonly unknown[],
  ) {
    const original = await phases.time('decode', () => readImageSize(bytes, maxImagePixels))
    const options = { original, maxPixels: maxImagePixels, resize: resize?.(original), over }
    const args = argsOf(original)
    // Held while its pixels are there, and not while anything else is waited for.
    const release = await pixels.take(original.width * original.height, lifetime)
    let ms = 0
    let decodeMs: number | undefined
    const onTimes = (waited: number, ran: number) => {
      phases.add('queue', waited)
      ms = ran
    }
    try {
      const call = { url, name, args }
      const done = await offload.call(decoding, 'decodeFor', [bytes, options, call], { lifetime, onTimes })
      decodeMs = done.decodeMs
      return { original, result: done.result }
    } finally {
      release()
      phases.add('decode', decodeMs ?? ms)
      phases.add(phase, ms - (decodeMs ?? ms))
    }
  }

  return {
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
    async decode(file, options = {}) {
      const { original, result } = await decodeFor(file, { ...options, phase: 'decode' }, decoding, 'itself', () => [])
      return { original, pixels: result as RgbImage }
    },
    decodeFor: (...asked) => decodeFor(...asked) as Promise<never>,
    cached: (key, make) => cache.get(key, make, hold),
  }
}
