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

/** A PNG of the points (x right, y down, z forward), turned by an angle about the vertical and seen without perspective. */
export async function drawPoints({ positions, colours }: PointCloud, degrees: number, side = 420): Promise<Buffer> {
  const count = positions.length / 3
  const middle = [0, 1, 2].map((axis) => meanOf(positions, axis))
  const [sin, cos] = [Math.sin((degrees * Math.PI) / 180), Math.cos((degrees * Math.PI) / 180)]
  const turned = new Float32Array(positions.length)
  let reach = 0
  for (let point = 0; point < count; point++) {
    const [x = 0, y = 0, z = 0] = [0, 1, 2].map((axis) => (positions[point * 3 + axis] ?? 0) - (middle[axis] ?? 0))
    turned.set([cos * x + sin * z, y, cos * z - sin * x], point * 3)
    reach = Math.max(reach, Math.hypot(x, z), Math.abs(y))
  }
  const pixels = new Uint8Array(side * side * 3)
  for (let at = 0; at < pixels.length; at++) pixels[at] = BACKGROUND[at % 3] ?? 0
  const depth = new Float32Array(side * side).fill(Number.POSITIVE_INFINITY)
  const scale = side / 2.1 / reach
  for (let point = 0; point < count; point++) {
    const [x = 0, y = 0, z = 0] = turned.subarray(point * 3, point * 3 + 3)
    const [left, top] = [Math.round(side / 2 + x * scale), Math.round(side / 2 + y * scale)]
    // Two pixels wide, so that a surface of points looks closed.
    for (const at of [top * side + left, top * side + left + 1, (top + 1) * side + left, (top + 1) * side + left + 1]) {
      if (z >= (depth[at] ?? Number.NEGATIVE_INFINITY)) continue
      depth[at] = z
      pixels.set(colours.subarray(point * 3, point * 3 + 3), at * 3)
    }
  }
  return sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toBuffer()
}

function meanOf(positions: Float32Array, axis: number): number {
  let sum = 0
  for (let at = axis; at < positions.length; at += 3) sum += positions[at] ?? 0
  return sum / (positions.length / 3)
}
