import { setTimeout as delay } from 'node:timers/promises'
import type { LocalImage } from '../service.ts'
import { freePort } from './free-port.ts'
import { hostEnvironment } from './host-environment.ts'
import { ping } from './ping.ts'
import { startProcessGroup } from './process-group.ts'

/** Real milliseconds throughout: a real process is never judged by a clock that runs faster than it can. */
export type HealthTimings = {
  startupInterval: number
  interval: number
  /** SageMaker gives a ping two seconds. */
  timeout: number
  /** So many failed pings in a row mean that the instance is replaced. */
  failures: number
}
export const HEALTH_TIMINGS: HealthTimings = { startupInterval: 200, interval: 2_000, timeout: 2_000, failures: 5 }

export type Instance = {
  /** Shaped like EC2's: the second half of the container's log stream. */
  id: string
  /** Where the container listens on loopback; undefined where nobody answers. */
  port: number | undefined
  pid: number | undefined
  /** Such as ml.g5.xlarge, where somebody asked for one. */
  instanceType?: string
  /** Resolves with the reason once the instance no longer serves: the container ended, or failed its pings. */
  ended: Promise<string>
  /** SIGTERM, then SIGKILL after `graceMs` of real time. Resolves when nothing is left. */
  terminate(graceMs: number): Promise<void>
  /** SIGKILL to the whole container, as when the machine fails. */
  kill(): void
}

/** Why an instance did not start. */
export class StartError extends Error {
  /** `command`: the program could not be started at all; `exited`: it ended by itself; `ping`: no good ping in time. */
  readonly kind: 'command' | 'exited' | 'ping'
  constructor(kind: 'command' | 'exited' | 'ping', message: string) {
    super(message)
    this.name = 'StartError'
    this.kind = kind
  }
}

/**
 * An instance without a container: healthy at once, for images whose command is empty.
 * @param port of a server that answers for it
 */
export function emptyInstance(id: string, port?: number): Instance {
  const { promise, resolve } = Promise.withResolvers<string>()
  const end = () => resolve('terminated')
  return { id, port, pid: undefined, ended: promise, terminate: async () => end(), kill: end }
}

/**
 * Starts an image's program with SageMaker's `serve` argument and waits until it answers its pings.
 * @throws StartError when it ends first, or has no good ping within `startupLimit` real milliseconds; nothing is left running.
 */
export async function startInstance(options: {
  id: string
  image: LocalImage
  environment: Record<string, string>
  startupLimit: number
  terminationGrace: number
  onLine: (line: string) => void
  signal: AbortSignal
  timings?: HealthTimings
}): Promise<Instance> {
  const { id, image, signal, timings = HEALTH_TIMINGS } = options
  const port = await freePort()
  signal.throwIfAborted()
  const group = startProcessGroup({
    command: [...image.command, 'serve'],
    cwd: image.cwd,
    environment: {
      ...hostEnvironment(),
      ...image.environment,
      ...options.environment,
      SAGEMAKER_BIND_TO_PORT: String(port),
    },
    onLine: options.onLine,
  })
  const over = new AbortController()
  const ended = group.ended.then((end) => {
    over.abort(end)
    return end
  })
  try {
    await firstGoodPing()
  } catch (error) {
    await group.terminate(signal.aborted ? options.terminationGrace : 0)
    throw error
  }
  void watch()
  return {
    id,
    port,
    pid: group.pid,
    ended: ended.then((end) => end.reason),
    terminate: (graceMs) => group.terminate(graceMs),
    kill: () => group.kill(),
  }

  async function firstGoodPing(): Promise<void> {
    const deadline = performance.now() + options.startupLimit
    const either = AbortSignal.any([signal, over.signal])
    while (performance.now() < deadline) {
      if (await ping(port, timings.timeout)) return
      await delay(timings.startupInterval, undefined, { signal: either }).catch(() => {})
      signal.throwIfAborted()
      if (over.signal.aborted) {
        const { started, reason } = await ended
        throw new StartError(started ? 'exited' : 'command', reason)
      }
    }
    throw new StartError('ping', `no good ping within ${options.startupLimit} ms`)
  }

  /** Ends an instance that stopped answering; its own end ends the watch. */
  async function watch(): Promise<void> {
    let failures = 0
    while (!over.signal.aborted) {
      failures = (await ping(port, timings.timeout)) ? 0 : failures + 1
      if (failures >= timings.failures) return group.kill()
      await delay(timings.interval, undefined, { signal: over.signal }).catch(() => {})
    }
  }
}
