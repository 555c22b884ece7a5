import { setTimeout as delay } from 'node:timers/promises'
import type { AsyncInferenceEndpoint } from '../api/async-inference-endpoint.ts'
import type { ModelImage } from '../api/model-image.ts'
import { parseReference } from '../images/reference.ts'
import type { Log } from '../kube/log.ts'
import { keyOf } from '../kube/types.ts'
import type { EndpointHint, EventQueue, Hint, ImageHint } from '../providers/event-queue.ts'

/** The objects of one kind, and how to have one of them looked at. */
type Hinted<T> = { objects(): T[]; hint(key: string): void; enqueue(key: string): void }

export type EventHintsDependencies = {
  queue: EventQueue
  endpoints: Hinted<AsyncInferenceEndpoint>
  images: Hinted<ModelImage>
  random: () => number
  log: Log
}

const FIRST_PAUSE_MS = 1_000
const MAX_PAUSE_MS = 60_000

/**
 * Looks at an object at once when EventBridge says that its endpoint's state changed, or that an image was pushed, until aborted. For the leader alone: two readers would
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
        log.warn(
          { malformed },
          'the event queue has messages that are neither endpoint state changes nor image actions; they are deleted',
        )
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

function pass({ endpoints, images }: EventHintsDependencies, hints: readonly Hint[]): void {
  const named = new Set(hints.map(nameOf))
  wake(endpoints, ({ spec, status }) =>
    named.has(nameOf({ region: spec.region, endpointName: status?.endpointName ?? '' })),
  )
  wake(images, ({ spec }) => {
    const { ecr, repository } = parseReference(spec.image) ?? {}
    return ecr !== undefined && repository !== undefined && named.has(nameOf({ ...ecr, repository }))
  })
}

function wake<T extends AsyncInferenceEndpoint | ModelImage>(
  { objects, hint, enqueue }: Hinted<T>,
  isNamed: (object: T) => boolean,
): void {
  for (const object of objects().filter(isNamed)) {
    hint(keyOf(object))
    enqueue(keyOf(object))
  }
}

function nameOf(hint: EndpointHint | ImageHint): string {
  return 'repository' in hint
    ? `${hint.region} ${hint.registryId} ${hint.repository}`
    : `${hint.region} ${hint.endpointName}`
}
