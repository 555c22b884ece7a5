import type { ImageLayout } from '../families/image-input.ts'
import type { RgbImage } from '../images/decode.ts'
import { type Preprocessing, toInterleaved, toPlanes } from '../images/preprocessing.ts'
import type { Tensor } from '../runtime/tensors.ts'

/** A resized picture as a batch of one, normalised. */
export function imageTensor(
  image: RgbImage,
  preprocessing: Preprocessing,
  layout: ImageLayout,
): Tensor & { type: 'float32' } {
  const { width, height } = image
  return layout === 'planes'
    ? { type: 'float32', dims: [1, 3, height, width], data: toPlanes(image, preprocessing) }
    : { type: 'float32', dims: [1, height, width, 3], data: toInterleaved(image, preprocessing) }
}
