import sharp from 'sharp'
import type { Size } from './decode.ts'

/** An 8-bit greyscale PNG, on libvips' threads. A palette or 1-bit PNG would be smaller but takes twenty times as long. */
export function encodeGreyscalePng(pixels: Uint8Array, { width, height }: Size): Promise<Buffer> {
  return sharp(pixels, { raw: { width, height, channels: 1 } })
    .toColourspace('b-w')
    .png({ compressionLevel: 6 })
    .toBuffer()
}
