import sharp from 'sharp'

/** What a picture of the sample catalogue shows. */
export type Motif = { shape: string; colour: string; ground: string }

const COLOURS: Readonly<Record<string, string>> = {
  red: '#c8281e',
  orange: '#f08214',
  yellow: '#f5d21e',
  green: '#2d9632',
  turquoise: '#1eb4b4',
  blue: '#2346be',
  purple: '#7d2896',
  black: '#191919',
}
const GROUNDS: Readonly<Record<string, string>> = { white: '#f5f5f2', grey: '#a0a09b' }
/** In a square from -1 to 1. */
const SHAPES: Readonly<Record<string, string>> = {
  disc: '<circle r="0.8"/>',
  ring: '<circle r="0.65" fill="none" stroke="currentColor" stroke-width="0.3"/>',
  square: '<rect x="-0.7" y="-0.7" width="1.4" height="1.4"/>',
  triangle: '<path d="M0 -0.85 L0.85 0.65 L-0.85 0.65 Z"/>',
  cross: '<path d="M-0.25 -0.85 h0.5 v0.6 h0.6 v0.5 h-0.6 v0.6 h-0.5 v-0.6 h-0.6 v-0.5 h0.6 Z"/>',
  stripes: '<path d="M-0.85 -0.8 h1.7 v0.3 h-1.7 Z M-0.85 -0.15 h1.7 v0.3 h-1.7 Z M-0.85 0.5 h1.7 v0.3 h-1.7 Z"/>',
  bars: '<path d="M-0.8 -0.85 v1.7 h0.3 v-1.7 Z M-0.15 -0.85 v1.7 h0.3 v-1.7 Z M0.5 -0.85 v1.7 h0.3 v-1.7 Z"/>',
}

/** Every shape in every colour on every ground. */
export function motifs(): Motif[] {
  return Object.keys(SHAPES).flatMap((shape) =>
    Object.keys(COLOURS).flatMap((colour) => Object.keys(GROUNDS).map((ground) => ({ shape, colour, ground }))),
  )
}

/**
 * A JPEG of a motif. `moved` is by how much of the side it is off the middle, `scale` how large it is, 1 filling the picture.
 */
export async function pictureOf(
  { shape, colour, ground }: Motif,
  { moved = [0, 0], scale = 0.75 }: { moved?: readonly [number, number]; scale?: number } = {},
): Promise<Buffer> {
  const side = 256
  const at = moved.map((part) => (0.5 + part) * side)
  const fill = COLOURS[colour] ?? '#000'
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}">
    <rect width="100%" height="100%" fill="${GROUNDS[ground] ?? '#fff'}"/>
    <g transform="translate(${at.join(' ')}) scale(${(scale * side) / 2})" fill="${fill}" color="${fill}">${SHAPES[shape] ?? ''}</g></svg>`
  return sharp(Buffer.from(svg)).jpeg({ quality: 85 }).toBuffer()
}
