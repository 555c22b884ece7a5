import sharp from 'sharp'

/** Points of a binary little-endian PLY file: positions, and colours 0-255. */
export type PointCloud = { positions: Float32Array; colours: Uint8Array }

const SIZES: Readonly<Record<string, number>> = {
  float: 4,
  uchar: 1,
  int: 4,
  uint: 4,
  double: 8,
  short: 2,
  ushort: 2,
  char: 1,
}
const BACKGROUND = [250, 250, 248] as const

/** Reads the vertices' x, y, z and red, green, blue. @throws Error for another PLY */
export function readPoints(file: Buffer): PointCloud {
  const end = file.indexOf('end_header\n') + 'end_header\n'.length
  const header = file.toString('latin1', 0, end).split('\n')
  const count = Number(/element vertex (\d+)/.exec(header.join('\n'))?.[1])
  const offsets = new Map<string, number>()
  let stride = 0
  for (const line of header.slice(header.findIndex((each) => each.startsWith('element vertex')) + 1)) {
    const [word, type = '', name = ''] = line.split(' ')
    if (word !== 'property') break
    offsets.set(name, stride)
    stride += SIZES[type] ?? Number.NaN
  }
  const at = (name: string) => {
    const offset = offsets.get(name)
    if (offset === undefined) throw new Error(`the PLY has no ${name}`)
    return offset
  }
  const [axes, channels] = [['x', 'y', 'z'].map(at), ['red', 'green', 'blue'].map(at)]
  const positions = new Float32Array(count * 3)
  const colours = new Uint8Array(count * 3)
  for (let point = 0, row = end; point < count; point++, row += stride) {
    for (let k = 0; k < 3; k++) {
      positions[point * 3 + k] = file.readFloatLE(row + (axes[k] ?? 0))
      colours[point * 3 + k] = file[row + (channels[k] ?? 0)] ?? 0
    }
  }
  return { positions, colours }
}

/** A PNG of the points (x right, y down, z forward), turned by an angle about the vertical through their middle. */
export async function drawPoints({ positions, colours }: PointCloud, degrees: number, side = 420): Promise<Buffer> {
  const count = positions.length / 3
  const seen = project(positions, degrees)
  const [left, right, top, bottom] = bounds(seen)
  const scale = (side * 0.94) / Math.max(right - left, bottom - top)
  const size = Math.max(2, Math.ceil((1.7 * scale * Math.sqrt((right - left) * (bottom - top))) / Math.sqrt(count)))
  const height = Math.ceil((bottom - top) * scale + side * 0.06)
  const pixels = new Uint8Array(side * height * 3)
  for (let at = 0; at < pixels.length; at++) pixels[at] = BACKGROUND[at % 3] ?? 0
  const depth = new Float32Array(side * height).fill(Number.POSITIVE_INFINITY)
  for (let point = 0; point < count; point++) {
    const [u = 0, v = 0, z = 0] = seen.subarray(point * 3, point * 3 + 3)
    const x = Math.round(side / 2 + (u - (left + right) / 2) * scale)
    const y = Math.round(height / 2 + (v - (top + bottom) / 2) * scale)
    // A square for each, so that a surface of points looks closed.
    for (let row = Math.max(0, y); row < Math.min(height, y + size); row++) {
      for (let column = Math.max(0, x); column < Math.min(side, x + size); column++) {
        const at = row * side + column
        if (z >= (depth[at] ?? 0)) continue
        depth[at] = z
        pixels.set(colours.subarray(point * 3, point * 3 + 3), at * 3)
      }
    }
  }
  return sharp(pixels, { raw: { width: side, height, channels: 3 } })
    .png()
    .toBuffer()
}

/** Each point's place in the picture and its distance, seen from where the camera was, or from afar where that is unknown. */
function project(positions: Float32Array, degrees: number): Float32Array {
  const count = positions.length / 3
  const [mx = 0, my = 0, mz = 0] = [0, 1, 2].map((axis) => meanOf(positions, axis))
  const [sin, cos] = [Math.sin((degrees * Math.PI) / 180), Math.cos((degrees * Math.PI) / 180)]
  let reach = 0
  for (let at = 0; at < positions.length; at += 3) {
    reach = Math.max(reach, Math.hypot((positions[at] ?? 0) - mx, (positions[at + 2] ?? 0) - mz))
  }
  const distance = mz > reach * 0.7 ? Math.max(mz, reach * 1.2) : reach * 4
  const seen = new Float32Array(positions.length)
  for (let point = 0; point < count; point++) {
    const x = (positions[point * 3] ?? 0) - mx
    const y = (positions[point * 3 + 1] ?? 0) - my
    const z = (positions[point * 3 + 2] ?? 0) - mz
    const far = distance + cos * z - sin * x
    seen.set([(cos * x + sin * z) / far, y / far, far], point * 3)
  }
  return seen
}

function bounds(seen: Float32Array): [number, number, number, number] {
  const box: [number, number, number, number] = [Infinity, -Infinity, Infinity, -Infinity]
  for (let at = 0; at < seen.length; at += 3) {
    const [u = 0, v = 0] = seen.subarray(at, at + 2)
    box[0] = Math.min(box[0], u)
    box[1] = Math.max(box[1], u)
    box[2] = Math.min(box[2], v)
    box[3] = Math.max(box[3], v)
  }
  return box
}

function meanOf(positions: Float32Array, axis: number): number {
  let sum = 0
  for (let at = axis; at < positions.length; at += 3) sum += positions[at] ?? 0
  return sum / (positions.length / 3)
}
