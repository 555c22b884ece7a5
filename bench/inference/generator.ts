import { type Answer, type Connection, connection, get } from './http-client.ts'
import { payload } from './payload.ts'
import { type Workload, type WorkloadName, workload } from './workloads.ts'

/** What the load generator is told: a window of load on one port. */
export type Load = {
  workload: WorkloadName
  /** In the order of the workload's requests. */
  expected: readonly unknown[]
  port: number
  connections: number
  /** Requests are sent for so long; all of them are waited for. */
  milliseconds: number
}

export type Loaded = {
  /** Of each answer. */
  latenciesMs: number[]
  /** From the first request to the last answer. */
  seconds: number
  pingsMs: number[]
  /** The generator's own, user and system. */
  cpuSeconds: number
  /** The first wrong answer: the whole window is void. */
  fault?: string
}

/** Often enough for a 99th percentile within some rounds, too seldom to be a load. */
const PING_INTERVAL_MS = 20
const workloads = new Map<WorkloadName, Promise<Workload>>()
/** Of all pictures sent since the start: none is sent twice, to whichever server. */
let serial = 0

/** A process of its own, so that neither the server's work nor the benchmark's is in its way: one window for each message. */
if (process.send) {
  process.on('message', (load: Load) => void run(load).then((result) => process.send?.(result)))
  process.on('disconnect', () => process.exit(0))
}

async function run(load: Load): Promise<Loaded> {
  const shared = workloads.get(load.workload) ?? workload(load.workload)
  workloads.set(load.workload, shared)
  const { requests, fault } = await shared
  const check = checker(load, fault)
  const latenciesMs: number[] = []
  const pingsMs: number[] = []
  const connections: Connection[] = []
  const before = process.cpuUsage()
  const begin = performance.now()
  const end = begin + load.milliseconds
  let last = begin
  let failure: string | undefined

  const client = (index: number) =>
    new Promise<void>((resolve) => {
      const line = connection(load.port)
      connections.push(line)
      // Of its own for each connection: a picture's bytes are changed in place.
      const payloads = requests.map(payload)
      let turn = index % payloads.length
      const next = () => {
        const sent = performance.now()
        if (sent >= end || failure !== undefined) return resolve()
        const at = turn
        turn = (turn + 1) % payloads.length
        const bytes = payloads[at]?.(serial++)
        if (bytes) line.send(bytes, (answer) => receive(answer, at, sent))
      }
      const receive = (answer: Answer | Error, at: number, sent: number) => {
        last = performance.now()
        latenciesMs.push(last - sent)
        const known = check(answer, at)
        if (known === true) return next()
        known.then(
          (wrong) => {
            failure ??= wrong
            next()
          },
          (error: unknown) => {
            failure ??= String(error)
            resolve()
          },
        )
      }
      next()
    })

  const clients = Promise.all(Array.from({ length: load.connections }, (_, index) => client(index)))
  const pingFault = await ping(load.port, end, pingsMs)
  await clients
  for (const line of connections) line.close()
  failure ??= pingFault
  const { user, system } = process.cpuUsage(before)
  return {
    latenciesMs,
    seconds: (last - begin) / 1000,
    pingsMs,
    cpuSeconds: (user + system) / 1e6,
    ...(failure !== undefined && { fault: failure }),
  }
}

/**
 * Checks every answer. Most are, byte for byte, ones that were found right before: true at once. Others are read and compared with what is
 * expected: a sentence, or undefined when they are right.
 */
function checker({ expected }: Load, fault: Workload['fault']) {
  const right = new Map<number, Buffer[]>()
  return (answer: Answer | Error, at: number): true | Promise<string | undefined> => {
    if (answer instanceof Error) return Promise.resolve(answer.message)
    const { status, body } = answer
    if (status !== 200) return Promise.resolve(`${status}: ${body.toString('utf8', 0, 300)}`)
    const known = right.get(at) ?? []
    if (known.some((each) => each.equals(body))) return true
    return (async () => {
      const wrong = await fault(JSON.parse(body.toString()), expected[at])
      if (wrong === undefined && known.length < 4) right.set(at, [...known, Buffer.from(body)])
      return wrong
    })()
  }
}

async function ping(port: number, end: number, pingsMs: number[]): Promise<string | undefined> {
  const line = connection(port)
  const request = get('/ping')
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const next = () => {
    const sent = performance.now()
    if (sent >= end) return resolve(undefined)
    line.send(request, (answer) => {
      if (answer instanceof Error) return resolve(`/ping: ${answer.message}`)
      if (answer.status !== 200) return resolve(`/ping: ${answer.status}`)
      pingsMs.push(performance.now() - sent)
      setTimeout(next, PING_INTERVAL_MS)
    })
  }
  next()
  const result = await promise
  line.close()
  return result
}
