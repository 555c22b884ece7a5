import type { Call, Service } from '../../service.ts'
import type { InvocableEndpoint } from '../sagemaker/index.ts'
import { type AsyncInput, asyncRequest, validationError } from './async-input.ts'
import { type AsyncQueue, asyncQueue } from './async-queue.ts'
import { invokeEndpoint, type RealtimeInput } from './invoke.ts'
import type { SagemakerRuntimeDependencies } from './types.ts'

export type { SagemakerRuntimeDependencies } from './types.ts'

/** As AWS publishes them: once a minute. */
const METRIC_PERIOD_MS = 60_000

/** SageMaker's runtime: InvokeEndpointAsync with its queue, InvokeEndpoint. Service name `sagemaker-runtime`. */
export function sagemakerRuntimeService(deps: SagemakerRuntimeDependencies): Service & { stop(): Promise<void> } {
  const { clock, endpoints, random = Math.random } = deps
  const queues = new Map<string, { endpoint: InvocableEndpoint; queue: AsyncQueue }>()
  const stopped = new AbortController()

  const queueOf = (endpoint: InvocableEndpoint): AsyncQueue => {
    const known = queues.get(endpoint.id)
    if (known) return known.queue
    const queue = asyncQueue(deps, endpoint)
    queues.set(endpoint.id, { endpoint, queue })
    return queue
  }
  const unsubscribe = endpoints.subscribe((id) => {
    const known = queues.get(id)
    if (!known) return
    if (!known.endpoint.gone()) return known.queue.dispatch()
    queues.delete(id)
    void known.queue.drop()
  })
  const found = (call: Call): InvocableEndpoint => {
    const name = String((call.input as { EndpointName?: string }).EndpointName)
    const endpoint = endpoints.find(name)
    if (!endpoint) throw validationError(`Endpoint ${name} of account ${deps.accountId} not found.`)
    return endpoint
  }

  const publish = async () => {
    const period = deps.delays?.metricPeriod ?? METRIC_PERIOD_MS
    if (period <= 0) return
    while (!stopped.signal.aborted) {
      await clock.sleep(period, stopped.signal)
      for (const endpoint of endpoints.all()) if (endpoint.asyncConfig()) queueOf(endpoint).publishBacklog()
    }
  }
  const publishing = publish().catch((error: unknown) => {
    if (!stopped.signal.aborted) process.emitWarning(error instanceof Error ? error : String(error))
  })

  return {
    name: 'sagemaker-runtime',
    operations: {
      InvokeEndpointAsync(call: Call) {
        const endpoint = found(call)
        const config = endpoint.asyncConfig()
        if (!config) throw validationError(`Endpoint ${endpoint.name} has no AsyncInferenceConfig; use InvokeEndpoint.`)
        const request = asyncRequest(call.input as AsyncInput, config, clock.now())
        queueOf(endpoint).push(request)
        return {
          InferenceId: request.inferenceId,
          ...(request.outputLocation === undefined ? {} : { OutputLocation: request.outputLocation }),
          ...(request.failureLocation === undefined ? {} : { FailureLocation: request.failureLocation }),
        }
      },
      InvokeEndpoint(call: Call) {
        const endpoint = found(call)
        if (endpoint.asyncConfig())
          throw validationError(
            `Endpoint ${endpoint.name} only accepts asynchronous invocations; use InvokeEndpointAsync.`,
          )
        return invokeEndpoint(
          { accountId: deps.accountId, region: deps.region, random, signal: stopped.signal },
          endpoint,
          call.input as RealtimeInput,
        )
      },
    },
    state: () => ({
      queues: [...queues.values()].map(({ endpoint, queue }) => ({ endpointName: endpoint.name, ...queue.size() })),
    }),
    async stop() {
      stopped.abort(new DOMException('the local cloud stops', 'AbortError'))
      unsubscribe()
      await Promise.all([publishing, ...[...queues.values()].map(({ queue }) => queue.drop())])
      queues.clear()
    },
  }
}
