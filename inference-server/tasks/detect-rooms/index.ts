import sharp from 'sharp'
import type { z } from 'zod'
import type { Resize, Size } from '../../images/decode.ts'
import { type Work, workModule } from '../../runtime/offload.ts'
import { defineTask, IMAGE_FILE, type InputFile } from '../task.ts'
import { workingSize } from './detect.ts'
import { PlanAnswer, PlanFields, type RoomAnswer } from './fields.ts'
import { drawOverlay } from './overlay.ts'
import { type Ring, type Room, round } from './rooms.ts'

const work: Work<typeof import('./work.ts')> = workModule(new URL('./work.ts', import.meta.url))

/**
 * The rooms of a floor plan as polygons: by the geometry of what is drawn, without a model. Since it needs none, it is served
 * where config.json names it: `{"tasks": {"detect_rooms": {}}}`.
 */
export const detectRoomsTask = defineTask({
  name: 'detect_rooms',
  summary: 'The rooms of a floor plan as polygons, with their areas and holes.',
  files: { image: IMAGE_FILE },
  fields: PlanFields,
  answer: PlanAnswer,
  artifacts: { overlay: { description: 'The picture with the rooms drawn over it.', contentTypes: ['image/png'] } },
  bind({ configured }) {
    if (!configured) return undefined
    return {
      models: [],
      example: async () => ({ files: { image: await examplePlan() }, fields: { overlay: true } }),
      async perform({ files: { image }, fields }, context) {
        if (!image) throw new TypeError('the request was checked to have an image')
        const resize = (size: Size): Resize => ({ ...workingSize(size), kernel: 'linear' })
        const asked = {
          minArea: fields.min_area,
          maxArea: fields.max_area,
          epsilonFactor: fields.epsilon_factor,
          gapClosing: fields.gap_closing,
          minWallThickness: fields.min_wall_thickness,
          lines: fields.lines,
          maxRooms: fields.max_rooms,
        }
        const { original, result } = await context.decodeFor(
          image,
          { resize, phase: 'postprocess' },
          work,
          'roomsOf',
          (size) => [size, asked],
        )
        const { detected, picture } = result
        const { rooms } = detected
        return {
          fields: {
            image_size: [original.width, original.height],
            rooms: rooms.map(roomAnswer),
            rooms_left_out: detected.dropped,
            total_area: round(rooms.reduce((sum, { area }) => sum + area, 0)),
            wall_thickness: round(detected.wallThickness),
            gap_closing: round(detected.gapClosing),
          },
          artifacts: {
            overlay: {
              inJson: fields.overlay,
              forms: [
                {
                  contentType: 'image/png',
                  suffix: '_overlay.png',
                  body: () => context.phases.time('encode', () => drawOverlay(picture, original, rooms)),
                },
              ],
            },
          },
        }
      },
    }
  },
})

function roomAnswer(room: Room, at: number): z.output<typeof RoomAnswer> {
  const [left, top, right, bottom] = room.boundingBox
  return {
    id: at + 1,
    label: room.label,
    confidence: round(room.confidence),
    area: round(room.area),
    perimeter: round(room.perimeter),
    bounding_box: [round(left), round(top), round(right), round(bottom)],
    anchor: [round(room.anchor[0]), round(room.anchor[1])],
    polygon: rounded(room.polygon),
    holes: room.holes.map(rounded),
  }
}

const rounded = (ring: Ring): Ring => ring.map(([x, y]) => [round(x), round(y)])

/** Two rooms and a doorway. */
async function examplePlan(): Promise<InputFile> {
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" width="320" height="240"><rect width="320" height="240" fill="#fff"/><path d="M30 30H290V210H30ZM150 30V100M150 130V210" fill="none" stroke="#000" stroke-width="8"/></svg>'
  return { bytes: await sharp(Buffer.from(svg)).png().toBuffer(), contentType: 'image/png' }
}
