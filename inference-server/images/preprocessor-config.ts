import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import type { Fit, Kernel, Preprocessing } from './preprocessing.ts'

/**
 * `preprocessor_config.json`, which transformers writes and exports carry beside the model: what the model was trained on,
 * so that it need not be guessed. https://huggingface.co/docs/transformers/main_classes/image_processor
 */

const Side = z.number().int().min(1).max(4096)
const Length = z.union([
  Side,
  z.object({ shortest_edge: Side }).strict(),
  z.object({ height: Side, width: Side }).strict(),
])
const Channels = z.tuple([z.number(), z.number(), z.number()])

const Config = z.object({
  do_resize: z.boolean().default(true),
  size: Length,
  resample: z.number().int().optional(),
  do_center_crop: z.boolean().default(false),
  crop_size: Length.optional(),
  crop_pct: z.number().nullish(),
  do_rescale: z.boolean().default(true),
  rescale_factor: z
    .number()
    .positive()
    .default(1 / 255),
  do_normalize: z.boolean().default(true),
  image_mean: Channels.default([0, 0, 0]),
  image_std: Channels.default([1, 1, 1]),
  keep_aspect_ratio: z.boolean().default(false),
  ensure_multiple_of: Side.default(1),
  do_pad: z.boolean().nullish(),
})

/** PIL's numbers. Its other filters (nearest, box, Hamming) are not offered by libvips with antialiasing. */
const KERNELS: Readonly<Record<number, Kernel>> = { 1: 'lanczos3', 2: 'linear', 3: 'cubic' }

/**
 * What `preprocessor_config.json` in a directory says; undefined when there is none.
 * @throws Error that names what is not understood: a model fed otherwise than it was trained would answer nonsense.
 */
export async function readPreprocessorConfig(path: string): Promise<Preprocessing | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new Error(`${path} cannot be read`, { cause: error })
  }
  try {
    return parsePreprocessorConfig(JSON.parse(text))
  } catch (error) {
    throw new Error(`${path} is not understood: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
}

/** @throws Error in words */
export function parsePreprocessorConfig(json: unknown): Preprocessing {
  const parsed = Config.safeParse(json)
  if (!parsed.success) {
    throw new Error(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '))
  }
  const config = parsed.data
  if (!config.do_resize) throw new Error('do_resize is false')
  if (config.do_pad) throw new Error('do_pad is true')
  if (config.crop_pct != null && !config.do_center_crop) throw new Error('crop_pct without do_center_crop')
  const kernel = KERNELS[config.resample ?? 2]
  if (!kernel) throw new Error(`resample is ${config.resample}: 1 (Lanczos), 2 (bilinear) and 3 (bicubic) are known`)
  const crop = config.do_center_crop ? square(config.crop_size ?? config.size) : undefined
  const resize = fit(config)
  if (crop && Math.max(crop.width, crop.height) > smallest(resize)) {
    throw new Error(`crop_size ${crop.width} x ${crop.height} is larger than the resized picture`)
  }
  return {
    fit: resize,
    ...(crop ? { crop } : {}),
    kernel,
    scale: config.do_rescale ? config.rescale_factor : 1,
    mean: config.do_normalize ? config.image_mean : [0, 0, 0],
    deviation: config.do_normalize ? config.image_std : [1, 1, 1],
  }
}

function fit({ size, do_center_crop, keep_aspect_ratio, ensure_multiple_of }: z.infer<typeof Config>): Fit {
  // Old files have one number: the shortest edge before a crop, else both sides.
  if (typeof size === 'number') {
    return do_center_crop ? { to: 'shortest-edge', length: size } : { to: 'size', width: size, height: size }
  }
  if ('shortest_edge' in size) return { to: 'shortest-edge', length: size.shortest_edge }
  if (keep_aspect_ratio) return { to: 'multiples', ...size, of: ensure_multiple_of }
  return { to: 'size', ...size }
}

function smallest(resize: Fit): number {
  return resize.to === 'shortest-edge' ? resize.length : Math.min(resize.width, resize.height)
}

function square(length: z.infer<typeof Length>): { width: number; height: number } {
  if (typeof length === 'number') return { width: length, height: length }
  return 'shortest_edge' in length ? { width: length.shortest_edge, height: length.shortest_edge } : length
}
