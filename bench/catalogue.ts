import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { pino } from 'pino'
import { composeServer } from '../inference-server/compose.ts'
import { loadConfig } from '../inference-server/config.ts'

/**
 * `recommend` on catalogues of 512 dimensions: requests a second and latencies at 1, 8 and 32 connections, with and without a
 * filter, every answer compared with NumPy's. `npm run bench:catalogue -- --items 100000,1000000 --seconds 5`. Needs Python with
 * NumPy: .venv/bin/python, or PYTHON. The last line is one JSON object.
 */
const { values } = parseArgs({
  options: {
    items: { type: 'string', default: '100000' },
    seconds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '1,8,32' },
  },
})
const PYTHON = process.env.PYTHON ?? join(import.meta.dirname, '..', '.venv', 'bin', 'python')
const K = 10

type Made = { queries: number[][]; nearest: number[][]; numpyMs: Record<string, number> }
type Window = { requestsPerSecond: number; p50Ms: number; p99Ms: number; pingP99Ms: number }
type Answer = { recommendations: { id: number }[]; candidates: number }

const results: Record<string, object> = {}
for (const items of values.items.split(',').map(Number)) results[items] = await measure(items)
console.log(JSON.stringify(results))

async function measure(items: number): Promise<object> {
  const directory = await mkdtemp(join(tmpdir(), 'bench-catalogue-'))
  try {
    const script = join(import.meta.dirname, 'catalogue.py')
    const { stdout } = await promisify(execFile)(PYTHON, [script, directory, String(items)], { maxBuffer: 2 ** 27 })
    const made: Made = JSON.parse(stdout)
    const threads = String(availableParallelism())
    const config = loadConfig(
      { SM_MODEL_DIR: directory, MOORING_INTRA_OP_THREADS: threads, MOORING_QUEUE_LIMIT: '256' },
      [],
    )
    const server = composeServer(config, 'cpu', pino({ level: 'error' }))
    const start = performance.now()
    await server.load()
    const loadSeconds = (performance.now() - start) / 1000
    const url = await server.http.listen({ port: 0, host: '127.0.0.1' })
    console.log(
      `\n${items} items: loaded in ${loadSeconds.toFixed(1)} s; NumPy ms for 1, 8, 32 queries: ${Object.values(made.numpyMs).join(', ')}`,
    )
    console.log('| filter | connections | requests/s | p50 ms | p99 ms | /ping p99 ms |\n|---|---|---|---|---|---|')
    const windows: Record<string, Window> = {}
    for (const filter of [undefined, { category: ['c1', 'c7'] }]) {
      for (const connections of values.connections.split(',').map(Number)) {
        const window = await load(url, made, connections, filter)
        windows[`${filter ? 'filtered' : 'all'} c=${connections}`] = window
        const { requestsPerSecond, p50Ms, p99Ms, pingP99Ms } = window
        console.log(
          `| ${filter ? 'two of 20' : 'none'} | ${connections} | ${requestsPerSecond} | ${p50Ms} | ${p99Ms} | ${pingP99Ms} |`,
        )
      }
    }
    await server.close()
    const rssMb = Math.round(process.memoryUsage.rss() / 2 ** 20)
    return { loadSeconds, rssMb, numpyMs: made.numpyMs, ...windows }
  } finally {
    await rm(directory, { recursive: true })
  }
}

/** @throws Error for the first answer that is not NumPy's */
async function load(url: string, made: Made, connections: number, filter: object | undefined): Promise<Window> {
  const bodies = made.queries.map((embedding) =>
    JSON.stringify({ task: 'recommend', embedding, top_k: K, filter, metadata: false }),
  )
  const latencies: number[] = []
  const pings: number[] = []
  const begin = performance.now()
  const end = begin + Number(values.seconds) * 1000
  const pinging = setInterval(async () => {
    const sent = performance.now()
    await (await fetch(`${url}/ping`)).arrayBuffer()
    pings.push(performance.now() - sent)
  }, 50)
  const client = async (turn: number): Promise<void> => {
    for (let at = turn; performance.now() < end; at++) {
      const query = at % bodies.length
      const sent = performance.now()
      const response = await fetch(`${url}/invocations`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: bodies[query] ?? '',
      })
      const answer = (await response.json()) as Answer
      latencies.push(performance.now() - sent)
      check(response.status, answer, made.nearest[query] ?? [], filter !== undefined)
    }
  }
  await Promise.all(Array.from({ length: connections }, (_, turn) => client(turn)))
  clearInterval(pinging)
  const seconds = (performance.now() - begin) / 1000
  return {
    requestsPerSecond: Math.round((latencies.length / seconds) * 10) / 10,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    pingP99Ms: percentile(pings, 0.99),
  }
}

function check(status: number, { recommendations }: Answer, nearest: readonly number[], filtered: boolean): void {
  const ids = recommendations?.map(({ id }) => id)
  const right = filtered
    ? ids?.length === K && ids.every((id) => id % 20 === 1 || id % 20 === 7)
    : ids?.join() === nearest.join()
  if (status !== 200 || !right) throw new Error(`status ${status}: ${ids}; NumPy finds ${nearest}`)
}

function percentile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 10) / 10
}
