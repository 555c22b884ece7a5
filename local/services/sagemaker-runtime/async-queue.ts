import { setTimeout as delay } from 'node:timers/promises'
import type { Instance } from '../../instances/instance.ts'
import type { InvocableEndpoint, InvocableFleet } from '../sagemaker/index.ts'
import { runRequest } from './async-run.ts'
import { ConnectionLost } from './container.ts'
import { dealer } from './dealer.ts'
import { endpointMetrics } from './metrics.ts'
import { notify } from './notifications.ts'
import type { AsyncRequest, SagemakerRuntimeDependencies } from './types.ts'

/** SageMaker chooses the number itself where the configuration does not say; it does not tell how. */
export const DEFAULT_CONCURRENCY = 4
/** A request whose instance dies is given to another one so often. */
const MAX_ATTEMPTS = 3
/** An instance that dropped a connection gets nothing for so long, in real time: its end is noticed meanwhile. */
const SUSPECT_MS = 500

/** The requests of one endpoint: waiting, running, expiring. */
export type AsyncQueue = {
  push(request: AsyncRequest): void
  /** To be called when instances or the endpoint's status changed. */
  dispatch(): void
  publishBacklog(): void
  /** Forgets what waits and ends what runs. */
  drop(): Promise<void>
  size(): { waiting: number; running: number }
}

export function asyncQueue(
  deps: Pick<SagemakerRuntimeDependencies, 'clock' | 'objects' | 'notifier' | 'metrics' | 'logs' | 'region'>,
  endpoint: InvocableEndpoint,
): AsyncQueue {
  const { clock } = deps
  /** In order of arrival; the values end the wait for the request's expiry. */
  const waiting = new Map<AsyncRequest, AbortController>()
  /** Those whose instance died: older than all that wait. */
  const again = new Map<AsyncRequest, AbortController>()
  const running = new Map<string, number>()
  const runs = new Set<Promise<void>>()
  const suspects = new Set<string>()
  const dropped = new AbortController()
  const deals = dealer()
  /** Of one fleet; of none where no instance had a part in it. */
  const metrics = (fleet?: InvocableFleet) =>
    endpointMetrics(deps.metrics, endpoint.name, fleet ?? { variantName: endpoint.fleets()[0]?.variantName ?? '' })

  const enqueue = (line: Map<AsyncRequest, AbortController>, request: AsyncRequest) => {
    const taken = new AbortController()
    line.set(request, taken)
    clock.sleep(request.expiresAt - clock.now(), taken.signal).then(
      () => {
        if (line.delete(request)) void expire(request)
      },
      () => {},
    )
  }

  const expire = async (request: AsyncRequest) => {
    metrics().count('ExpiredRequests')
    const reason = 'ClientError: The request expired before it could be processed.'
    const outcome = { status: 'Failed', reason, body: undefined } as const
    await tell(request, outcome)
  }

  const tell = async (request: AsyncRequest, outcome: Parameters<typeof notify>[2]['outcome']) => {
    const config = endpoint.asyncConfig() ?? {}
    const told = await notify(
      deps.notifier,
      { OutputConfig: {}, ...config },
      { region: deps.region, request, outcome, now: clock.now() },
    )
    if (!told) metrics().count('NotificationFailures')
  }

  const idlest = ({ instances }: InvocableFleet): Instance | undefined => {
    const limit = endpoint.asyncConfig()?.ClientConfig?.MaxConcurrentInvocationsPerInstance ?? DEFAULT_CONCURRENCY
    let best: Instance | undefined
    let load = limit
    for (const instance of instances) {
      const its = running.get(instance.id) ?? 0
      if (its >= load || suspects.has(instance.id)) continue
      best = instance
      load = its
    }
    return best
  }

  /** Who takes the next request: the fleet whose turn it is, or another that is free while that one is not. */
  const free = (): { fleet: InvocableFleet; instance: Instance } | undefined => {
    for (const fleet of deals.order(endpoint.fleets())) {
      const instance = idlest(fleet)
      if (instance) return { fleet, instance }
    }
    return undefined
  }

  const take = (): AsyncRequest | undefined => {
    for (const line of [again, waiting]) {
      for (const [request, expiry] of line) {
        line.delete(request)
        expiry.abort()
        return request
      }
    }
    return undefined
  }

  const dispatch = () => {
    while (!dropped.signal.aborted && endpoint.invocable() && waiting.size + again.size > 0) {
      const next = free()
      const request = next && take()
      if (!next || !request) return
      const { fleet, instance } = next
      deals.took(fleet)
      running.set(instance.id, (running.get(instance.id) ?? 0) + 1)
      const run = serve(request, instance, fleet)
        .catch((error: unknown) => {
          if (!dropped.signal.aborted) process.emitWarning(error instanceof Error ? error : String(error))
        })
        .finally(() => {
          const left = (running.get(instance.id) ?? 1) - 1
          if (left > 0) running.set(instance.id, left)
          else running.delete(instance.id)
          runs.delete(run)
          dispatch()
        })
      runs.add(run)
    }
  }

  async function serve(request: AsyncRequest, instance: Instance, fleet: InvocableFleet): Promise<void> {
    const streams = {
      group: `/aws/sagemaker/Endpoints/${endpoint.name}`,
      stream: `${fleet.variantName}/${instance.id}/data-log`,
    }
    const log = (message: string) => {
      const time = new Date(clock.now()).toISOString().slice(0, -1)
      deps.logs.append(streams.group, streams.stream, `${time}:[sagemaker logs] [${request.inferenceId}] ${message}`)
    }
    const started = clock.now()
    const counters = metrics(fleet)
    counters.value('TimeInBacklog', started - request.receivedAt)
    request.attempts++
    try {
      const outcome = await runRequest({ ...deps, metrics: counters, log }, request, instance.port, dropped.signal)
      counters.count('InvocationsProcessed')
      counters.value('TotalProcessingTime', clock.now() - request.receivedAt)
      if (outcome.status === 'Failed') counters.count('InvocationFailures')
      await tell(request, outcome)
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error
      suspect(instance)
      log('The connection to the container was lost while the request was being processed')
      if (request.attempts < MAX_ATTEMPTS) return enqueue(again, request)
      counters.count('InvocationFailures')
      const reason = 'InternalServerError: The model container ended while it processed the request.'
      await tell(request, { status: 'Failed', reason, body: undefined })
    }
  }

  const suspect = (instance: Instance) => {
    suspects.add(instance.id)
    delay(SUSPECT_MS, undefined, { signal: dropped.signal }).then(
      () => {
        suspects.delete(instance.id)
        dispatch()
      },
      () => {},
    )
  }

  const size = () => ({
    waiting: waiting.size + again.size,
    running: [...running.values()].reduce((sum, count) => sum + count, 0),
  })

  return {
    push(request) {
      enqueue(waiting, request)
      dispatch()
    },
    dispatch,
    size,
    publishBacklog() {
      const { waiting: queued, running: active } = size()
      const oldest = [again, waiting]
        .flatMap((line) => [...line.keys()].slice(0, 1))
        .map((request) => request.receivedAt)
      metrics().backlog({
        backlog: queued + active,
        instances: endpoint.fleets().reduce((sum, { instances }) => sum + instances.length, 0),
        oldestAgeMs: oldest.length > 0 ? clock.now() - Math.min(...oldest) : 0,
      })
    },
    async drop() {
      dropped.abort(new DOMException('the endpoint is gone', 'AbortError'))
      for (const line of [waiting, again]) {
        for (const expiry of line.values()) expiry.abort()
        line.clear()
      }
      await Promise.all(runs)
    },
  }
}
