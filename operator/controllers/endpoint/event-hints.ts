import { setTimeout as delay } from 'node:timers/promises'
import type { AsyncInferenceEndpoint } from '../../api/async-inference-endpoint.ts'
import type { Log } from '../../kube/log.ts'
import { keyOf } from '../../kube/types.ts'
import type { EventQueue } from '../../providers/event-queue.ts'
import type { EndpointReconciler } from './controller.ts'

export type EventHintsDependencies = {
  queue: EventQueue
  objects(): AsyncInferenceEndpoint[]
  reconciler: Pick<EndpointReconciler, 'hint'>
  enqueue(key: string): void
  random: () => number
  log: Log
}

const FIRST_PAUSE_MS = 1_000
const MAX_PAUSE_MS = 60_000

/**
 * Looks at an object at once when EventBridge says that its endpoint's state changed, until aborted. For the leader alone: two readers would
 * each get half of the messages. Losing messages loses nothing but time, since the sweep goes on.
 */
export async function readEventHints(deps: EventHintsDependencies, signal: AbortSignal): Promise<void> {
  const { queue, random, log } = deps
  let pause = 0
  let saidMalformed = false
  while (!signal.aborted) {
    try {
      const { hints, malformed, messages } = await queue.receive(signal)
      if (hints.length > 0) pass(deps, hints)
      if (malformed > 0 && !saidMalformed) {
        saidMalformed = true
        log.warn({ malformed }, 'the event queue has messages that are no endpoint state changes; they are deleted')
      }
      await queue.delete(messages, signal)
      pause = 0
    } catch (error) {
      if (signal.aborted) return
      pause = Math.min(MAX_PAUSE_MS, Math.max(FIRST_PAUSE_MS, 2 * pause))
      log.warn({ err: error, retryInMs: pause }, 'the event queue could not be read')
      await delay(pause * (0.8 + 0.4 * random()), undefined, { signal }).catch(() => {})
    }
  }
}

function pass(
  { objects, reconciler, enqueue }: EventHintsDependencies,
  hints: readonly { region: string; endpointName: string }[],
): void {
  const named = new Set(hints.map(({ region, endpointName }) => `${region} ${endpointName}`))
  for (const object of objects()) {
    if (!named.has(`${object.spec.region} ${object.status?.endpointName ?? ''}`)) continue
    const key = keyOf(object)
    reconciler.hint(key)
    enqueue(key)
  }
}
