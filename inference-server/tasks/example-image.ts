import sharp from 'sharp'
import type { InputFile } from './task.ts'

/** A small JPEG of something bright on something dark, for examples. */
export async function exampleImage(): Promise<InputFile> {
  const bright = await sharp({ create: { width: 120, height: 90, channels: 3, background: '#e0a040' } })
    .png()
    .toBuffer()
  const bytes = await sharp({ create: { width: 320, height: 240, channels: 3, background: '#204060' } })
    .composite([{ input: bright, left: 100, top: 75 }])
    .jpeg()
    .toBuffer()
  return { bytes, contentType: 'image/jpeg' }
}

/** The mask of what is bright there. */
export async function exampleMask(): Promise<InputFile> {
  const inside = await sharp({ create: { width: 120, height: 90, channels: 3, background: '#ffffff' } })
    .png()
    .toBuffer()
  const bytes = await sharp({ create: { width: 320, height: 240, channels: 3, background: '#000000' } })
    .composite([{ input: inside, left: 100, top: 75 }])
    .png()
    .toBuffer()
  return { bytes, contentType: 'image/png' }
}
