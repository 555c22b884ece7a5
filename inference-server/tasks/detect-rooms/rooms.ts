import { type Components, connectedComponents, touchesBorder } from '../../images/components.ts'
import { type Contour, perimeter, signedArea, traceContours } from '../../images/contours.ts'
import type { Size } from '../../images/decode.ts'
import { isSimple, simplifyClosed } from '../../images/simplify.ts'
import { FREE, WALL } from './gaps.ts'

export type Ring = [number, number][]

/** Finer than a quarter of a pixel, which is what plans are enlarged by at most: corners stay apart. */
export const round = (value: number) => Math.round(value * 100) / 100

export type Room = {
  /** What the shape says; no text is read. */
  label: 'room' | 'corridor'
  /** The share of the outline, holes included, along which a wall is drawn; the rest are bridged doorways. */
  confidence: number
  /** Pixels inside the polygon, less those in the holes. */
  area: number
  perimeter: number
  /** left, top, right, bottom; right and bottom exclusive. */
  boundingBox: [number, number, number, number]
  /** A point well inside, for a label. */
  anchor: [number, number]
  /** Clockwise on the screen, not closed by a repeated corner. */
  polygon: Ring
  /** Anticlockwise: pillars, courtyards, rooms within. */
  holes: Ring[]
}

export type RoomLimits = {
  minArea: number
  maxArea: number
  /** Greatest distance between outline and polygon, as a share of the outline's length. */
  epsilonFactor: number
  maxRooms: number
}

/** A space that spans this share of the sheet in both directions and has rooms within is the sheet inside its frame. */
const SHEET = 0.88
/** Longer than this many times its width, a room is a corridor. */
const CORRIDOR = 4
/** Of all rooms together: a plan has some thousands, and noise would make an answer of many megabytes. */
const MOST_CORNERS = 100_000
/** A hole is a core of its room from this share of the room's outline's area. */
const CORE = 0.1
/** A hole smaller than this share of the least room is dirt. */
const DIRT = 0.02

/** The rooms of a plan of FREE, WALL and BRIDGE pixels, from the top. */
export function findRooms(plan: Uint8Array, size: Size, limits: RoomLimits): { rooms: Room[]; dropped: number } {
  const free = new Uint8Array(plan.length)
  for (let at = 0; at < plan.length; at++) free[at] = plan[at] === FREE ? 1 : 0
  const spaces = connectedComponents(free, size, 4)
  const enclosed: number[] = []
  for (let space = 1; space <= spaces.count; space++) {
    const area = spaces.areas[space] ?? 0
    if (area >= limits.minArea && !touchesBorder(spaces, space)) enclosed.push(space)
  }
  const candidates = enclosed.filter(
    (space) => (spaces.areas[space] ?? 0) <= limits.maxArea && !(enclosed.length > 1 && spansSheet(spaces, space)),
  )
  // When there are more than may be answered, the larger ones matter more.
  const bySize = candidates.toSorted((a, b) => (spaces.areas[b] ?? 0) - (spaces.areas[a] ?? 0))
  const found: { space: number; room: Room }[] = []
  let corners = 0
  for (const space of bySize.slice(0, limits.maxRooms)) {
    const room = outline(plan, spaces, space, limits)
    if (!room) continue
    corners += room.polygon.length + room.holes.reduce((sum, hole) => sum + hole.length, 0)
    if (corners > MOST_CORNERS) break
    found.push({ space, room })
  }
  const rooms = found.toSorted((a, b) => a.space - b.space).map(({ room }) => room)
  return { rooms, dropped: candidates.length - rooms.length }
}

function spansSheet({ boxes, width, height }: Components, space: number): boolean {
  const [left = 0, top = 0, right = 0, bottom = 0] = boxes.subarray(4 * space, 4 * space + 4)
  return right - left >= SHEET * width && bottom - top >= SHEET * height
}

function outline(plan: Uint8Array, spaces: Components, space: number, limits: RoomLimits): Room | undefined {
  const [left = 0, top = 0, right = 0, bottom = 0] = spaces.boxes.subarray(4 * space, 4 * space + 4)
  const contours = traceContours(spaces.labels, spaces, space, 4, { left, top, right, bottom })
  const outer = contours.find(({ area }) => area > 0)
  if (!outer) return undefined
  const holes = contours.filter(({ area }) => area < 0 && -area >= DIRT * limits.minArea)
  const rings = simplifyTogether(
    [outer, ...holes].map(({ points }) => points),
    limits.epsilonFactor,
  )
  const areas = rings.map(signedArea)
  const area = sumOf(areas)
  const around = sumOf(rings.map(perimeter))
  // Pillars make no corridor of a room; a core in its middle does.
  const bounding = rings.filter((_, at) => at === 0 || Math.abs(areas[at] ?? 0) > CORE * (areas[0] ?? 0))
  const [polygon = [], ...rest] = rings.map(toRing)
  const xs = polygon.map(([x]) => x)
  const ys = polygon.map(([, y]) => y)
  return {
    label:
      elongation(sumOf(bounding.map(signedArea)), sumOf(bounding.map(perimeter))) >= CORRIDOR ? 'corridor' : 'room',
    confidence: wallShare(plan, spaces, [outer, ...holes]),
    area,
    perimeter: around,
    boundingBox: [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)],
    anchor: anchorOf(spaces, space),
    polygon,
    holes: rest,
  }
}

const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0)

/** Simplifies all rings as far as asked, or less far where they would cross themselves or each other. */
function simplifyTogether(rings: readonly Int32Array[], factor: number): number[][] {
  const lengths = rings.map(perimeter)
  for (const share of [factor, factor / 4, factor / 16]) {
    const simpler = rings.map((ring, at) => simplifyClosed(ring, share * (lengths[at] ?? 0)))
    if (simpler.every((ring) => ring.length >= 6) && isSimple(simpler)) return simpler
  }
  return rings.map((ring) => Array.from(ring))
}

const toRing = (points: readonly number[]): Ring =>
  Array.from({ length: points.length / 2 }, (_, at) => [points[2 * at] ?? 0, points[2 * at + 1] ?? 0])

/** Length over width of the straight strip of the same area and perimeter: also for bent corridors and those around a core. */
function elongation(area: number, around: number): number {
  const half = around / 2
  const root = half * half - 4 * area
  if (root <= 0) return 1
  const width = (half - Math.sqrt(root)) / 2
  return area / (width * width)
}

/** Looks at the pixels beyond each edge of the outlines, which have the room at their right hand. */
function wallShare(plan: Uint8Array, { width }: Size, outlines: readonly Contour[]): number {
  let wall = 0
  let all = 0
  for (const { points } of outlines) {
    for (let at = 0; at < points.length; at += 2) {
      const next = (at + 2) % points.length
      const [x, y] = [points[at] ?? 0, points[at + 1] ?? 0]
      const [dx, dy] = [(points[next] ?? 0) - x, (points[next + 1] ?? 0) - y]
      const length = Math.abs(dx) + Math.abs(dy)
      const step = Math.sign(dx) + Math.sign(dy) * width
      const first =
        dx > 0 ? (y - 1) * width + x : dx < 0 ? y * width + x - 1 : dy > 0 ? y * width + x : (y - 1) * width + x - 1
      for (let edge = 0; edge < length; edge++) if (plan[first + edge * step] === WALL) wall++
      all += length
    }
  }
  return all === 0 ? 0 : wall / all
}

/** Rows looked at for a point well inside. */
const ANCHOR_ROWS = 64

/** The middle of a run of the room's pixels that is as long as possible, and not near the top or the bottom. */
function anchorOf({ labels, boxes, width }: Components, space: number): [number, number] {
  const [left = 0, top = 0, right = 0, bottom = 0] = boxes.subarray(4 * space, 4 * space + 4)
  let best: [number, number] = [left, top]
  let score = -1
  const stride = Math.max(1, Math.floor((bottom - top) / ANCHOR_ROWS))
  for (let y = top; y < bottom; y += stride) {
    const depth = Math.min(y - top + 1, bottom - y)
    let run = 0
    for (let x = left; x <= right; x++) {
      if (x < right && labels[y * width + x] === space) {
        run++
        continue
      }
      if (Math.min(run, 2 * depth) > score) {
        score = Math.min(run, 2 * depth)
        best = [x - run / 2, y + 0.5]
      }
      run = 0
    }
  }
  return best
}
