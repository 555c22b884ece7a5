import { type Decoding, decodePixels, type RgbImage } from './decode.ts'

/** An exported function of a module, whose first parameter are pixels. */
export type PixelCall = { url: string; name: string; args: readonly unknown[] }

/**
 * Decodes a picture and calls the function with its pixels and the arguments, in the same thread: a picture has megabytes. Tells how
 * many milliseconds were decoding.
 */
export async function decodeFor(encoded: Uint8Array, decoding: Decoding, { url, name, args }: PixelCall) {
  const start = performance.now()
  const pixels = await decodePixels(encoded, decoding)
  const decodeMs = performance.now() - start
  const module: Record<string, (pixels: RgbImage, ...args: unknown[]) => unknown> = await import(url)
  return { result: await module[name]?.(pixels, ...args), decodeMs }
}

/** The pixels themselves, in memory that can be moved to another thread: what libvips made cannot. */
export const itself = (pixels: RgbImage): RgbImage => ({ ...pixels, data: new Uint8Array(pixels.data) })
