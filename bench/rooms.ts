import sharp from 'sharp'
import { connectedComponents } from '../inference-server/images/components.ts'
import { perimeter, traceContours } from '../inference-server/images/contours.ts'
import type { Size } from '../inference-server/images/decode.ts'
import { distanceToZero } from '../inference-server/images/distance.ts'
import { simplifyClosed } from '../inference-server/images/simplify.ts'
import { detectRooms, workingSize } from '../inference-server/tasks/detect-rooms/detect.ts'
import { otsuThreshold } from '../inference-server/tasks/detect-rooms/ink.ts'
import { type PlanScore, type Shape, scorePlan } from '../test/inference-server/fixtures/plan-score.ts'
import { PLAN_STYLES } from '../test/inference-server/fixtures/plan-styles.ts'
import { drawPlan, type Plan } from '../test/inference-server/fixtures/plans.ts'
import { closing, loadOpenCv, type OpenCv, type PlanReader, watershed } from './rooms/opencv.ts'

const USAGE = `npm install --no-save @techstark/opencv-js@4.12.0-release.1 && node bench/rooms.ts [path of the package] [seeds]
Compares detect_rooms with two detectors built on OpenCV's WebAssembly, which are told the true width of the doors, and the steps
of its own with OpenCV's, on generated plans.`

const EPSILON = 0.002

type Totals = { ious: number[]; wrong: number; ms: number[] }

async function greyOf(plan: Plan): Promise<{ grey: Uint8Array<ArrayBuffer>; size: Size }> {
  const size = workingSize(plan)
  const pixels = await sharp(plan.picture)
    .resize({ ...size, fit: 'fill', kernel: 'linear' })
    .removeAlpha()
    .toColourspace('b-w')
    .extractChannel(0)
    .raw()
    .toBuffer()
  return { grey: new Uint8Array(pixels), size }
}

const ours: PlanReader = (grey, size) =>
  detectRooms(new Uint8Array(grey), size, {
    minArea: 0.001 * grey.length,
    maxArea: Number.POSITIVE_INFINITY,
    epsilonFactor: EPSILON,
    maxRooms: 200,
    lines: 'auto',
    minWallThickness: undefined,
    gapClosing: undefined,
  }).rooms

function measure(reader: PlanReader, grey: Uint8Array, size: Size, plan: Plan): PlanScore & { ms: number } {
  const start = performance.now()
  const shapes = reader(grey, size)
  const ms = performance.now() - start
  const [x, y] = [plan.width / size.width, plan.height / size.height]
  const scaled = (ring: Shape['polygon']) => ring.map(([px, py]): [number, number] => [px * x, py * y])
  return {
    ...scorePlan(
      plan,
      shapes.map(({ polygon, holes }) => ({ polygon: scaled(polygon), holes: holes.map(scaled) })),
    ),
    ms,
  }
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
const cell = ({ ious, wrong, ms }: Totals) =>
  `${mean(ious).toFixed(3)} | ${((100 * ious.filter((iou) => iou >= 0.9).length) / ious.length).toFixed(0)} % | ${wrong} | ${median(ms).toFixed(0)}`

async function compare(cv: OpenCv, seeds: readonly number[]): Promise<void> {
  const names = ['own', 'OpenCV closing', 'OpenCV watershed'] as const
  console.log(`| plans | ${names.map((name) => `${name}: IoU | ≥ 0.9 | wrong | ms`).join(' | ')} |`)
  console.log(`|${'---|'.repeat(1 + 4 * names.length)}`)
  const all = names.map((): Totals => ({ ious: [], wrong: 0, ms: [] }))
  for (const [kind, style] of Object.entries(PLAN_STYLES)) {
    const totals = names.map((): Totals => ({ ious: [], wrong: 0, ms: [] }))
    for (const seed of seeds) {
      const plan = await drawPlan({ ...style, seed })
      const { grey, size } = await greyOf(plan)
      // White on blue is turned for OpenCV, which would take the paper for walls.
      const dark = style.paper === 'blueprint' ? grey.map((value) => 255 - value) : grey
      const knowledge = {
        doorway: style.doors === 'none' ? 0 : (0.85 * style.scale * size.width) / plan.width,
        minArea: 0.001 * grey.length,
        epsilonFactor: EPSILON,
      }
      const readers = [ours, closing(cv, knowledge), watershed(cv, knowledge)]
      for (const [at, reader] of readers.entries()) {
        const score = measure(reader, at === 0 ? grey : dark, size, plan)
        for (const each of [totals[at], all[at]]) {
          each?.ious.push(...score.ious)
          each?.ms.push(score.ms)
          if (each) each.wrong += score.false
        }
      }
    }
    console.log(`| ${kind} | ${totals.map(cell).join(' | ')} |`)
  }
  console.log(`| **all** | ${all.map(cell).join(' | ')} |`)
}

/** The same steps on the same pixels, ours and OpenCV's; the copy into WebAssembly's memory is OpenCV's cost, too. */
async function steps(cv: OpenCv): Promise<void> {
  const plan = await drawPlan({
    ...PLAN_STYLES['door swings and windows'],
    scale: 80,
    outerWall: 24,
    innerWall: 12,
    seed: 1,
  } as Parameters<typeof drawPlan>[0])
  const { grey, size } = await greyOf(plan)
  const at = otsuThreshold(grey)
  const ink = grey.map((value) => (value <= at ? 1 : 0))
  const free = ink.map((value) => 1 - value)
  const mat = (pixels: Uint8Array) => {
    const matrix = new cv.Mat(size.height, size.width, cv.CV_8UC1)
    matrix.data.set(pixels)
    return matrix
  }
  const withMats = (
    pixels: Uint8Array,
    work: (from: InstanceType<OpenCv['Mat']>, to: InstanceType<OpenCv['Mat']>) => void,
  ) => {
    const [from, to] = [mat(pixels), new cv.Mat()]
    work(from, to)
    from.delete()
    to.delete()
  }
  const pairs: Record<string, [() => unknown, () => unknown]> = {
    'Otsu’s threshold': [
      () => otsuThreshold(grey),
      () => withMats(grey, (from, to) => cv.threshold(from, to, 0, 255, cv.THRESH_BINARY + cv.THRESH_OTSU)),
    ],
    'connected components': [
      () => connectedComponents(free, size, 4),
      () => withMats(free, (from, to) => cv.connectedComponents(from, to, 4)),
    ],
    'distance transform': [
      () => distanceToZero(ink, size),
      () => withMats(ink, (from, to) => cv.distanceTransform(from, to, cv.DIST_L2, 3)),
    ],
    'contours, simplified': [
      () => traceContours(free, size, 1, 4).map(({ points }) => simplifyClosed(points, EPSILON * perimeter(points))),
      () =>
        withMats(free, (from, to) => {
          const contours = new cv.MatVector()
          cv.findContours(from, contours, to, cv.RETR_CCOMP, cv.CHAIN_APPROX_NONE)
          for (let index = 0; index < contours.size(); index++) {
            const [contour, simple] = [contours.get(index), new cv.Mat()]
            cv.approxPolyDP(contour, simple, EPSILON * cv.arcLength(contour, true), true)
            contour.delete()
            simple.delete()
          }
          contours.delete()
        }),
    ],
  }
  console.log(`\n| step, ${size.width} x ${size.height} | own, ms | OpenCV, ms |\n|---|---|---|`)
  for (const [name, [own, theirs]] of Object.entries(pairs)) {
    const times: [number[], number[]] = [[], []]
    for (let round = 0; round < 25; round++) {
      for (const [index, work] of [own, theirs].entries()) {
        const start = performance.now()
        work()
        times[index as 0 | 1].push(performance.now() - start)
      }
    }
    console.log(`| ${name} | ${times.map((each) => median(each.slice(5)).toFixed(1)).join(' | ')} |`)
  }
}

const [from = '@techstark/opencv-js', seeds = '301,302,303'] = process.argv.slice(2)
let cv: OpenCv
try {
  const start = performance.now()
  cv = (await loadOpenCv(from)).cv
  console.log(`OpenCV took ${Math.round(performance.now() - start)} ms to start\n`)
} catch (cause) {
  console.error(USAGE)
  throw cause
}
await compare(cv, seeds.split(',').map(Number))
await steps(cv)
