import sharp from 'sharp'
import type { RgbImage, Size } from '../../images/decode.ts'
import { type Ring, type Room, round } from './rooms.ts'

/** The picture, as large as it was read, with each room in a colour of its own, its number, and its outline. */
export function drawOverlay(picture: RgbImage, original: Size, rooms: readonly Room[]): Promise<Buffer> {
  const { width, height, data } = picture
  const shapes = rooms.map((room, at) => shape(room, at + 1, Math.max(width, height) / 60)).join('')
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><g transform="scale(${width / original.width} ${height / original.height})">${shapes}</g></svg>`
  return sharp(data, { raw: { width, height, channels: 3 } })
    .composite([{ input: Buffer.from(svg) }])
    .png({ compressionLevel: 6 })
    .toBuffer()
}

/** Turning the hue by the golden angle keeps neighbours in the list apart. */
const HUE_STEP = 137.5

function shape({ polygon, holes, anchor }: Room, number: number, size: number): string {
  const path = (ring: Ring) => `M${ring.map(([x, y]) => `${round(x)} ${round(y)}`).join('L')}Z`
  const colour = `hsl(${Math.round((number * HUE_STEP) % 360)},75%,45%)`
  return `<path fill-rule="evenodd" fill="${colour}" fill-opacity="0.35" stroke="${colour}" stroke-width="${round(size / 8)}" d="${[polygon, ...holes].map(path).join('')}"/>${numeral(number, anchor, size)}`
}

/** The strokes of a digit in a box of 1 x 2: drawn, since a container may have no fonts. */
const DIGITS = [
  'M0 0H1V2H0Z',
  'M1 0V2',
  'M0 0H1V1H0V2H1',
  'M0 0H1V2H0M0 1H1',
  'M0 0V1H1M1 0V2',
  'M1 0H0V1H1V2H0',
  'M1 0H0V2H1V1H0',
  'M0 0H1V2',
  'M0 0H1V2H0ZM0 1H1',
  'M1 1H0V0H1V2H0',
] as const

function numeral(number: number, [x, y]: readonly [number, number], size: number): string {
  const digits = [...String(number)]
  const width = digits.length * 1.6 - 0.6
  const strokes = digits
    .map((digit, at) => `<path transform="translate(${at * 1.6} 0)" d="${DIGITS[Number(digit)]}"/>`)
    .join('')
  const place = `translate(${round(x)} ${round(y)}) scale(${round(size / 2)}) translate(${-width / 2} -1)`
  const drawn = (colour: string, stroke: number) =>
    `<g fill="none" stroke="${colour}" stroke-width="${stroke}" stroke-linejoin="round" stroke-linecap="round">${strokes}</g>`
  return `<g transform="${place}">${drawn('#fff', 0.7)}${drawn('#111', 0.3)}</g>`
}
