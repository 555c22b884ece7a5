import type { RgbImage, Size } from '../../images/decode.ts'
import { type Detected, type Detection, detectRooms } from './detect.ts'
import { toGrey } from './ink.ts'
import type { Ring, Room } from './rooms.ts'

/** What a request asks for, in pixels of the original picture; undefined where it is to be found out. */
export type Request = Omit<Detection, 'minArea' | 'maxArea'> & {
  minArea: number | undefined
  maxArea: number | undefined
}

/** Rooms below this share of the picture are closets drawn in a wall, or dirt. */
const LEAST_SHARE = 0.001

/**
 * Finds the rooms in a picture that was resized from `original`, in the original's pixels.
 * The picture comes back, for it was moved here.
 */
export function roomsOf(
  picture: RgbImage,
  original: Size,
  request: Request,
): { detected: Detected; picture: RgbImage } {
  const scale = { x: original.width / picture.width, y: original.height / picture.height }
  const area = scale.x * scale.y
  const length = Math.sqrt(area)
  const scaled = (value: number | undefined, by: number) => (value === undefined ? undefined : value / by)
  const detected = detectRooms(toGrey(picture), picture, {
    ...request,
    minArea: Math.max(1, scaled(request.minArea, area) ?? LEAST_SHARE * picture.width * picture.height),
    maxArea: scaled(request.maxArea, area) ?? Number.POSITIVE_INFINITY,
    gapClosing: scaled(request.gapClosing, length),
    minWallThickness: scaled(request.minWallThickness, length),
  })
  return {
    picture,
    detected: {
      rooms: detected.rooms.map((room) => enlarged(room, scale)),
      dropped: detected.dropped,
      wallThickness: detected.wallThickness * length,
      gapClosing: detected.gapClosing * length,
    },
  }
}

function enlarged(room: Room, { x, y }: { x: number; y: number }): Room {
  const point = ([px, py]: [number, number]): [number, number] => [px * x, py * y]
  const ring = (points: Ring): Ring => points.map(point)
  const [left, top, right, bottom] = room.boundingBox
  return {
    ...room,
    area: room.area * x * y,
    perimeter: room.perimeter * Math.sqrt(x * y),
    boundingBox: [left * x, top * y, right * x, bottom * y],
    anchor: point(room.anchor),
    polygon: ring(room.polygon),
    holes: room.holes.map(ring),
  }
}
