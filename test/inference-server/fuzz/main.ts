import { parseArgs } from 'node:util'
import fc from 'fast-check'
import { TASKS } from '../../../inference-server/tasks/index.ts'
import { realApp } from '../fixtures/world.ts'
import { everyTask, tables } from './directory.ts'
import { growth } from './memory.ts'
import { validPictures } from './pictures.ts'
import { fuzzRequests } from './requests.ts'
import { send } from './session.ts'

const USAGE = `node test/inference-server/fuzz/main.ts [--inputs 20000] [--seed N] [--lanes 4] [--minutes M]
Sends fuzzed requests to a server of every task, in lanes side by side, until the inputs are used up and the minutes are over.
Ends with 1 when an answer is a 5xx, an error tells of the machine, a worker was lost, or memory grew. Seeds repeat a run.`

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    lanes: { type: 'string', default: '4' },
    minutes: { type: 'string', default: '0' },
    help: { type: 'boolean' },
  },
})
if (values.help) {
  console.log(USAGE)
  process.exit(0)
}
const [inputs, seed, lanes, minutes] = [values.inputs, values.seed, values.lanes, values.minutes].map(Number) as [
  number,
  number,
  number,
  number,
]

/** Inputs of one call of fast-check, and between two readings of memory. */
const CHUNK = 250
/** An answer that takes longer is told of: something costs more than it should. */
const SLOW_MS = 10_000

const files = { pictures: (await validPictures()).map(({ bytes }) => bytes), tables: await tables() }
const directory = await everyTask()
const app = realApp(directory.path, { requests: lanes * 2, decodingPixels: lanes * 4_000_000 })
await app.load()

const statuses = new Map<number, number>()
const readings: number[] = []
const failures: string[] = []
let sent = 0
let slowest = 0
const start = performance.now()
const elapsedMinutes = () => (performance.now() - start) / 60_000
const arbitrary = fuzzRequests(TASKS.map(({ name }) => name))
console.log(`seed ${seed}, ${lanes} lanes, tasks ${TASKS.map(({ name }) => name).join(', ')}`)

let chunks = 0
async function lane(): Promise<void> {
  while ((chunks * CHUNK < inputs || elapsedMinutes() < minutes) && failures.length < 20) {
    const chunk = chunks++
    const result = await fc.check(
      fc.asyncProperty(arbitrary, async (request) => {
        const began = performance.now()
        const status = await send(app.http, request, files)
        const took = performance.now() - began
        if (took > slowest) {
          slowest = took
          if (took > SLOW_MS) console.log(`slow, ${Math.round(took)} ms: ${JSON.stringify(request).slice(0, 600)}`)
        }
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
        sent++
      }),
      { numRuns: CHUNK, seed: (seed + chunk) | 0 },
    )
    if (result.failed) {
      failures.push(
        `seed ${(seed + chunk) | 0}: ${result.errorInstance}\n  ${JSON.stringify(result.counterexample).slice(0, 1500)}`,
      )
      console.log(failures.at(-1))
    }
    readings.push(process.memoryUsage.rss())
    if (readings.length % 8 === 0) {
      // Where RSS grows and these do not, it is fragments of the allocator's, or another thread's.
      const { rss, heapUsed, external } = process.memoryUsage()
      const mib = Object.entries({ RSS: rss, heap: heapUsed, external }).map(
        ([of, n]) => `${of} ${Math.round(n / 2 ** 20)}`,
      )
      console.log(`${sent} sent in ${elapsedMinutes().toFixed(1)} min; MiB: ${mib.join(', ')}`)
    }
  }
}
await Promise.all(Array.from({ length: lanes }, lane))

const ping = (await app.http.inject('/ping')).statusCode
const restarts = app.device.stats().restarts + app.offload.stats().restarts
// Of a short run nothing is said of memory.
const memory = readings.length < 12 ? undefined : growth(readings)
await app.close()
await directory.remove()
const sound = failures.length === 0 && ping === 200 && restarts === 0 && memory?.flat !== false
console.log(
  JSON.stringify({
    sound,
    seed,
    inputs: sent,
    minutes: Number(elapsedMinutes().toFixed(1)),
    statuses: Object.fromEntries([...statuses].sort(([a], [b]) => a - b)),
    failures: failures.length,
    slowestMs: Math.round(slowest),
    ping,
    restarts,
    rssMiB: memory && { before: Math.round(memory.beforeMiB), after: Math.round(memory.afterMiB), flat: memory.flat },
  }),
)
process.exitCode = sound ? 0 : 1
