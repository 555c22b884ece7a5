import { startControlPlane } from '../local/control-plane/control-plane.ts'
import { throttled } from './throttled-run.ts'

/**
 * A thousand endpoints of ten namespaces where AWS takes two calls a second, all services together. At that rate the calls alone take more
 * than an hour, so time is compressed: see bench/README.md.
 */
const FACTOR = Number(process.argv[2] ?? 25)
const EACH = Number(process.argv[3] ?? 100)
const NAMESPACES = 10
const AWS_PER_SECOND = 2
const LIMIT_MS = 60 * 60_000

const perSecond = AWS_PER_SECOND * FACTOR
const sizes = Object.fromEntries(Array.from({ length: NAMESPACES }, (_, index) => [`tenant-${index}`, EACH]))
const plane = await startControlPlane()
try {
  let said = ''
  const note = (text: string) => {
    if (text !== said) console.error(text)
    said = text
  }
  const result = await throttled({ plane, sizes, perSecond, factor: FACTOR, limitMs: LIMIT_MS, note })
  const times = Object.values(result.readyAfter)
  const answered = result.calls - result.throttled
  const bound = answered / perSecond
  const round = (value: number) => Number(value.toFixed(2))
  const slowest = Math.max(...times)
  console.log(
    `${NAMESPACES * EACH} endpoints at ${perSecond} calls/s (${AWS_PER_SECOND} × ${FACTOR}): all Ready after ${slowest.toFixed(0)} s, ` +
      `${((slowest * FACTOR) / 60).toFixed(0)} min uncompressed; ${answered} calls at that rate take ${bound.toFixed(0)} s at least`,
  )
  console.log(
    JSON.stringify({
      endpoints: NAMESPACES * EACH,
      factor: FACTOR,
      seconds: round(slowest),
      lowerBoundSeconds: round(bound),
      timesLowerBound: round(slowest / bound),
      fastestNamespaceSeconds: round(Math.min(...times)),
      slowestNamespaceSeconds: round(slowest),
      callsPerEndpoint: round(answered / (NAMESPACES * EACH)),
      throttledShare: round(result.throttled / result.calls),
    }),
  )
} finally {
  await plane.stop()
}
process.exit(0)
