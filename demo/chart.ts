import { escapeHtml } from './html.ts'
import { type Segment, segments, type Timeline } from './timeline.ts'

const WIDTH = 1000
const LEFT = 110
const RIGHT = 20
const LANE_HEIGHT = 26
const COUNT_HEIGHT = 90
const PIXELS_PER_LETTER = 6.4

const COLOURS: Record<string, string> = {
  Creating: '#d9a441',
  Updating: '#d9a441',
  InService: '#3f8f5f',
  Ready: '#3f8f5f',
  ScaledToZero: '#6f8fb5',
  Failed: '#c0493e',
  Recovering: '#c96f3b',
  Deleting: '#8a8f98',
}
const OTHER = '#a9aeb8'

/** Draws two lanes of states and the instance count below them, on one axis of seconds. */
export function timelineSvg({ samples, marks }: Timeline): string {
  const end = Math.max(1, samples.at(-1)?.at ?? 1)
  const x = (at: number) => LEFT + (at / end) * (WIDTH - LEFT - RIGHT)
  const lanes = [
    { label: 'SageMaker', items: segments(samples, (sample) => sample.endpointStatus) },
    { label: 'STATUS', items: segments(samples, (sample) => sample.phase) },
  ]
  const top = 24 + marks.length * 14
  const countTop = top + lanes.length * (LANE_HEIGHT + 10) + 10
  const height = countTop + COUNT_HEIGHT + 34
  const most = Math.max(1, ...samples.map((sample) => sample.instances))
  const y = (count: number) => countTop + COUNT_HEIGHT * (1 - count / most)

  const parts = [
    ...marks.map((mark, index) => {
      const at = x(mark.at)
      const right = at > WIDTH * 0.7
      const textY = 16 + index * 14
      return `<line class="mark" x1="${at}" x2="${at}" y1="${textY + 3}" y2="${countTop + COUNT_HEIGHT}"/><text class="small" x="${at + (right ? -4 : 4)}" y="${textY}" text-anchor="${right ? 'end' : 'start'}">${escapeHtml(mark.label)}</text>`
    }),
    ...lanes.map((lane, index) => laneSvg(lane.label, lane.items, top + index * (LANE_HEIGHT + 10), x)),
    countSvg({ samples, marks }, x, y, countTop, most),
    ...axis(end).map(
      (second) =>
        `<text class="small" x="${x(second)}" y="${countTop + COUNT_HEIGHT + 18}" text-anchor="middle">${second} s</text>`,
    ),
  ]
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="States and instance count over time">${parts.join('\n')}</svg>`
}

function laneSvg(label: string, items: Segment[], top: number, x: (at: number) => number): string {
  const boxes = items.map((item) => {
    const left = x(item.from)
    const width = Math.max(1, x(item.to) - left)
    const name = escapeHtml(item.value)
    const text =
      width > item.value.length * PIXELS_PER_LETTER + 8
        ? `<text class="in" x="${left + 5}" y="${top + 17}">${name}</text>`
        : ''
    const title = `<title>${name}, ${item.from.toFixed(1)} s to ${item.to.toFixed(1)} s</title>`
    return `<g>${title}<rect x="${left}" y="${top}" width="${width}" height="${LANE_HEIGHT}" rx="3" fill="${COLOURS[item.value] ?? OTHER}"/>${text}</g>`
  })
  return `<text x="${LEFT - 10}" y="${top + 17}" text-anchor="end">${label}</text>${boxes.join('')}`
}

function countSvg(
  { samples }: Timeline,
  x: (at: number) => number,
  y: (count: number) => number,
  top: number,
  most: number,
): string {
  const base = top + COUNT_HEIGHT
  const points = samples.flatMap((sample, index) => {
    const next = samples[index + 1]?.at ?? sample.at
    return [`${x(sample.at)},${y(sample.instances)}`, `${x(next)},${y(sample.instances)}`]
  })
  const levels = Array.from({ length: most + 1 }, (_, count) => count)
  const grid = levels.map(
    (count) =>
      `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(count)}" y2="${y(count)}"/><text class="small" x="${LEFT - 10}" y="${y(count) + 4}" text-anchor="end">${count}</text>`,
  )
  const first = samples[0] ? x(samples[0].at) : LEFT
  const last = samples.at(-1) ? x(samples.at(-1)?.at ?? 0) : LEFT
  return `${grid.join('')}<text x="${LEFT - 30}" y="${top + COUNT_HEIGHT / 2}" text-anchor="end">instances</text><polygon class="area" points="${first},${base} ${points.join(' ')} ${last},${base}"/><polyline class="count" points="${points.join(' ')}"/>`
}

function axis(end: number): number[] {
  const step = [5, 10, 20, 30, 60, 120].find((candidate) => end / candidate <= 12) ?? 300
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, index) => index * step)
}
