/**
 * Ramer's and Douglas and Peucker's simplification of a closed polygon: no point of the outline lies farther than `epsilon` from the
 * result, whose corners are corners of the outline. What OpenCV calls approxPolyDP.
 * The result may cross itself where parts of an outline are nearer to each other than epsilon: see isSimple.
 */
export function simplifyClosed(points: ArrayLike<number>, epsilon: number): number[] {
  const count = points.length / 2
  if (count <= 3 || epsilon <= 0) return Array.from(points)
  const x = (at: number) => points[2 * (at % count)] ?? 0
  const y = (at: number) => points[2 * (at % count) + 1] ?? 0
  const farthestFrom = (from: number) => {
    let [best, distance] = [from, -1]
    for (let at = 0; at < count; at++) {
      const squared = (x(at) - x(from)) ** 2 + (y(at) - y(from)) ** 2
      if (squared > distance) [best, distance] = [at, squared]
    }
    return best
  }
  // Two corners that surely stay: the ends of (nearly) the longest diagonal.
  const first = farthestFrom(0)
  const second = farthestFrom(first)
  const [low, high] = first < second ? [first, second] : [second, first]
  const kept = new Uint8Array(count)
  kept[low] = 1
  kept[high] = 1
  const open: [number, number][] = [
    [low, high],
    [high, low + count],
  ]
  for (let range = open.pop(); range; range = open.pop()) {
    const [start, end] = range
    const [dx, dy] = [x(end) - x(start), y(end) - y(start)]
    const squared = dx * dx + dy * dy
    let [split, distance] = [-1, epsilon]
    for (let at = start + 1; at < end; at++) {
      const [px, py] = [x(at) - x(start), y(at) - y(start)]
      // To the edge and not to the line that it lies on: an outline may turn back beyond its ends.
      const along = squared > 0 ? Math.min(1, Math.max(0, (px * dx + py * dy) / squared)) : 0
      const away = Math.hypot(px - along * dx, py - along * dy)
      if (away > distance) [split, distance] = [at, away]
    }
    if (split < 0) continue
    kept[split % count] = 1
    open.push([start, split], [split, end])
  }
  const result: number[] = []
  for (let at = 0; at < count; at++) if (kept[at]) result.push(x(at), y(at))
  return result
}

/** Whether no two edges of these closed polygons cross or touch, except where edges of one polygon follow each other. */
export function isSimple(polygons: readonly ArrayLike<number>[]): boolean {
  type Edge = { ax: number; ay: number; bx: number; by: number; polygon: number; index: number; count: number }
  const edges: Edge[] = []
  for (const [polygon, points] of polygons.entries()) {
    const count = points.length / 2
    if (count < 3) return false
    for (let index = 0; index < count; index++) {
      const next = (index + 1) % count
      const [ax, ay] = [points[2 * index] ?? 0, points[2 * index + 1] ?? 0]
      const [bx, by] = [points[2 * next] ?? 0, points[2 * next + 1] ?? 0]
      edges.push({ ax, ay, bx, by, polygon, index, count })
    }
  }
  edges.sort((a, b) => Math.min(a.ax, a.bx) - Math.min(b.ax, b.bx))
  let active: Edge[] = []
  for (const edge of edges) {
    const from = Math.min(edge.ax, edge.bx)
    active = active.filter((other) => Math.max(other.ax, other.bx) >= from)
    for (const other of active) {
      if (other.polygon === edge.polygon) {
        const apart = Math.abs(other.index - edge.index)
        if (apart === 1 || apart === edge.count - 1) {
          if (foldsBack(edge, other)) return false
          continue
        }
      }
      if (meet(edge, other)) return false
    }
    active.push(edge)
  }
  return true
}

type Segment = { ax: number; ay: number; bx: number; by: number }

const side = (s: Segment, x: number, y: number) => Math.sign((s.bx - s.ax) * (y - s.ay) - (s.by - s.ay) * (x - s.ax))

/** Edges that share a corner and lie on each other. */
function foldsBack(a: Segment, b: Segment): boolean {
  const parallel = (a.bx - a.ax) * (b.by - b.ay) - (a.by - a.ay) * (b.bx - b.ax) === 0
  return parallel && (a.bx - a.ax) * (b.bx - b.ax) + (a.by - a.ay) * (b.by - b.ay) < 0
}

function meet(a: Segment, b: Segment): boolean {
  if (Math.max(a.ay, a.by) < Math.min(b.ay, b.by) || Math.max(b.ay, b.by) < Math.min(a.ay, a.by)) return false
  if (Math.max(a.ax, a.bx) < Math.min(b.ax, b.bx) || Math.max(b.ax, b.bx) < Math.min(a.ax, a.bx)) return false
  return side(a, b.ax, b.ay) * side(a, b.bx, b.by) <= 0 && side(b, a.ax, a.ay) * side(b, a.bx, a.by) <= 0
}
