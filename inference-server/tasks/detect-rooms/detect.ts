import type { Size } from '../../images/decode.ts'
import { bridgeGaps } from './gaps.ts'
import { findInk, type Lines } from './ink.ts'
import { findRooms, type Room, type RoomLimits } from './rooms.ts'
import { findWalls } from './walls.ts'

/** In pixels of the picture given. */
export type Detection = RoomLimits & {
  lines: Lines
  /** Thinner lines are no walls; undefined to find out. */
  minWallThickness: number | undefined
  /** The widest doorway that is closed; 0 for none, undefined for a share of the drawing. */
  gapClosing: number | undefined
}

export type Detected = {
  rooms: Room[]
  /** Rooms left out because there were more than asked for. */
  dropped: number
  wallThickness: number
  gapClosing: number
}

/** The widest doorway as a share of the sheet's longest side, when the caller does not know. */
const DOORWAY = 0.1

/** A room that takes this share of all rooms' area may be a whole storey whose inner walls were taken for furniture. */
const WHOLE = 0.5

/** The longest side in which plans are read: thinner lines than three pixels cannot be told apart by their thickness. */
const READABLE = { least: 1400, most: 2048, enlarge: 4 } as const

/** The size to which a picture is brought before it is read: small ones are enlarged, large ones reduced. */
export function workingSize({ width, height }: Size): Size {
  const longest = Math.max(width, height)
  const scale = Math.min(READABLE.most / longest, Math.max(1, Math.min(READABLE.least / longest, READABLE.enlarge)))
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) }
}

/** Finds the rooms of a plan in an 8-bit greyscale picture. Deterministic; takes no text and no model. */
export function detectRooms(grey: Uint8Array<ArrayBuffer>, size: Size, detection: Detection): Detected {
  const ink = findInk(grey, size, detection.lines)
  const gapClosing = detection.gapClosing ?? Math.round(Math.max(size.width, size.height) * DOORWAY)
  const attempt = (minWallThickness: number | undefined) => {
    const { mask, thickness, thinned } = findWalls(ink, size, minWallThickness)
    if (gapClosing > 0) bridgeGaps(mask, ink, size, { longest: gapClosing, thickness })
    return { ...findRooms(mask, size, detection), wallThickness: thickness, gapClosing, thinned }
  }
  const thick = attempt(detection.minWallThickness)
  if (!thick.thinned || detection.minWallThickness !== undefined || largestShare(thick.rooms) < WHOLE) return thick
  const all = attempt(0)
  return largestShare(all.rooms) < largestShare(thick.rooms) * 0.6 ? all : thick
}

function largestShare(rooms: readonly Room[]): number {
  const areas = rooms.map(({ area }) => area)
  const total = areas.reduce((sum, area) => sum + area, 0)
  return total > 0 ? Math.max(...areas) / total : 1
}
