import { type Resize, type Size, scaledSize } from '../../images/decode.ts'
import type { Prompt } from './prompt.ts'

/** How a picture lies in the square that a SAM sees: with its longest side and padding below or at the right, or stretched. */
export type Frame = { side: number; fit: 'pad' | 'stretch' }

/** The picture's size in the frame. */
export function sizeInFrame({ side, fit }: Frame, original: Size): Size {
  return fit === 'pad' ? scaledSize(original, side) : { width: side, height: side }
}

/** What the decoder of pictures is to make of one. PIL's bilinear, of which `linear` is the nearest, is what all SAMs are fed by. */
export function resizeInto(frame: Frame, original: Size): Resize {
  return { ...sizeInFrame(frame, original), kernel: 'linear' }
}

/** Points as SAM knows them: x and y in the frame, and what each is. */
export type FramePoints = { coords: number[]; labels: number[] }

/** Labels of SAM's prompt encoder besides 0 (background) and 1 (foreground). */
const BOX_TOP_LEFT = 2
const BOX_BOTTOM_RIGHT = 3
const PADDING_POINT = -1

/** A prompt's points, in pixels of the picture, brought into the frame. A box becomes its two corners. */
export function pointsInFrame(prompt: Prompt, frame: Frame, original: Size): FramePoints {
  const { width, height } = sizeInFrame(frame, original)
  const [sx, sy] = [width / original.width, height / original.height]
  const coords = prompt.points.flatMap(([x, y]) => [x * sx, y * sy])
  const labels: number[] = [...prompt.labels]
  if (prompt.box) {
    const [left, top, right, bottom] = prompt.box
    coords.push(left * sx, top * sy, right * sx, bottom * sy)
    labels.push(BOX_TOP_LEFT, BOX_BOTTOM_RIGHT)
  }
  return { coords, labels }
}

/** The same with one point of padding, for decoders that expect it and do not add it themselves. */
export function padded({ coords, labels }: FramePoints): FramePoints {
  return { coords: [...coords, 0, 0], labels: [...labels, PADDING_POINT] }
}
