import { setTimeout as delay } from 'node:timers/promises'
import type { KubeClient, WatchEvent } from './client.ts'
import { isGone, KubeError, retryAfter } from './errors.ts'
import type { Log } from './log.ts'
import { type KubeObject, keyOf, type ResourceType } from './types.ts'

export type InformerOptions = {
  client: KubeClient
  resource: ResourceType
  /** Only this namespace; all of them without it. */
  namespace?: string | undefined
  log: Log
  now?: () => number
  random?: () => number
  timing?: Partial<InformerTiming>
}

export type InformerTiming = {
  /** How long the server holds one watch open. Short enough that a connection that died silently is replaced soon. */
  watchSeconds: number
  /** Beyond the server's own limit, a silent connection is given up after this. */
  graceMs: number
  firstBackoffMs: number
  /** The longest wait between attempts. */
  maxBackoffMs: number
  /** Without a successful list or watch for this long, the informer is deaf and says so. */
  deafMs: number
  pageSize: number
}

const TIMING: InformerTiming = {
  watchSeconds: 60,
  graceMs: 15_000,
  firstBackoffMs: 500,
  maxBackoffMs: 30_000,
  deafMs: 150_000,
  pageSize: 500,
}

export type Informer<T extends KubeObject> = {
  start(): void
  stop(): Promise<void>
  /** Whether a first list has arrived in full and its handlers have run. */
  synced(): boolean
  /** A copy: changing it changes nothing here. */
  get(key: string): T | undefined
  list(): T[]
  /** Called with the key of each object that appeared, changed or went. A handler that throws is logged and harms no other. */
  onChange(handler: (key: string) => void): void
  healthy(): boolean
}

/**
 * A cache of one kind, kept by list and watch. It survives what client-node's own informer does not: a failed list, a watch cut at
 * any moment, an expired resourceVersion, a silent connection, a handler that throws, a stop during backoff.
 */
export function informer<T extends KubeObject>(options: InformerOptions): Informer<T> {
  const { client, resource, namespace, log, now = Date.now, random = Math.random } = options
  const timing = { ...TIMING, ...options.timing }
  const cache = new Map<string, T>()
  const handlers: ((key: string) => void)[] = []
  const stopping = new AbortController()
  let synced = false
  let lastContact = now()
  /** Whether the watch under way has brought anything. */
  let fruitful = false
  let loop: Promise<void> | undefined

  const changed = (key: string) => {
    for (const handler of handlers) {
      try {
        handler(key)
      } catch (error) {
        log.error({ err: error, key }, 'a handler of the informer threw')
      }
    }
  }

  const store = (object: T) => {
    const key = keyOf(object)
    const known = cache.get(key)
    if (known && known.metadata.resourceVersion === object.metadata.resourceVersion) return
    // managedFields are often larger than the object, and nobody here reads them.
    delete (object.metadata as { managedFields?: unknown }).managedFields
    cache.set(key, object)
    changed(key)
  }

  const remove = (key: string) => {
    if (cache.delete(key)) changed(key)
  }

  /** Replaces the cache by what the server has now, and answers the resourceVersion to watch from. */
  const relist = async (): Promise<string> => {
    const seen = new Set<string>()
    const items: T[] = []
    let token: string | undefined
    let resourceVersion: string
    do {
      const page = await client.list<T>(resource, {
        namespace,
        limit: timing.pageSize,
        signal: stopping.signal,
        ...(token ? { continue: token } : {}),
      })
      items.push(...page.items)
      token = page.continue
      resourceVersion = page.resourceVersion
    } while (token)
    // Only a complete list may take objects away: half a list is not evidence of absence.
    for (const object of items) {
      seen.add(keyOf(object))
      // Items of a list carry no apiVersion and kind of their own.
      store({ ...object, apiVersion: apiVersion(resource), kind: resource.kind })
    }
    for (const key of [...cache.keys()]) if (!seen.has(key)) remove(key)
    synced = true
    lastContact = now()
    return resourceVersion
  }

  /** Follows changes until the server ends the watch; answers the resourceVersion to go on from. */
  const follow = async (from: string): Promise<string> => {
    let resourceVersion = from
    const silence = new AbortController()
    const timer = setTimeout(
      () => silence.abort(new Error('the watch went silent')),
      timing.watchSeconds * 1000 + timing.graceMs,
    )
    try {
      const events = client.watch<T>(resource, {
        namespace,
        resourceVersion,
        timeoutSeconds: timing.watchSeconds,
        signal: AbortSignal.any([stopping.signal, silence.signal]),
      })
      for await (const event of events) {
        lastContact = now()
        if (event.type === 'ERROR') throw watchError(event)
        fruitful = true
        const version = event.object.metadata.resourceVersion
        if (event.type === 'DELETED') remove(keyOf(event.object))
        else if (event.type !== 'BOOKMARK') store(event.object)
        if (version) resourceVersion = version
      }
      lastContact = now()
      return resourceVersion
    } finally {
      clearTimeout(timer)
    }
  }

  const run = async () => {
    let resourceVersion: string | undefined
    let backoff = timing.firstBackoffMs
    let expired = Number.NEGATIVE_INFINITY
    while (!stopping.signal.aborted) {
      const started = performance.now()
      let failure: unknown
      fruitful = false
      try {
        if (resourceVersion === undefined) {
          resourceVersion = await relist()
          // The backoff stays as it is: where every watch is refused, lists that succeed must not become a storm.
          continue
        }
        resourceVersion = await follow(resourceVersion)
      } catch (error) {
        if (stopping.signal.aborted) return
        failure = error
        // The watch may have missed something.
        resourceVersion = undefined
      }
      const lived = performance.now() - started
      // The usual end: the server closes each watch after its time. One that ends at once must not be asked in a tight loop.
      const ended = failure === undefined && lived >= timing.firstBackoffMs
      if (ended || fruitful) backoff = timing.firstBackoffMs
      if (ended) continue
      // Nor must a server to which every resourceVersion is too old.
      if (isGone(failure) && started - expired >= timing.maxBackoffMs) {
        expired = started
        continue
      }
      const wait = Math.min(timing.maxBackoffMs, Math.max(retryAfter(failure) ?? 0, backoff * (0.5 + random())))
      if (failure !== undefined)
        log.warn({ err: failure, kind: resource.kind, retryInMs: wait }, 'list or watch failed')
      await pause(wait)
      backoff = Math.min(timing.maxBackoffMs, backoff * 2)
    }
  }

  const pause = (milliseconds: number) => delay(milliseconds, undefined, { signal: stopping.signal }).catch(() => {})

  return {
    start() {
      lastContact = now()
      loop ??= run()
    },
    async stop() {
      stopping.abort()
      await loop
    },
    synced: () => synced,
    get(key) {
      const object = cache.get(key)
      return object && structuredClone(object)
    },
    list: () => [...cache.values()].map((object) => structuredClone(object)),
    onChange: (handler) => void handlers.push(handler),
    healthy: () => now() - lastContact < timing.deafMs,
  }
}

function apiVersion({ group, version }: ResourceType): string {
  return group ? `${group}/${version}` : version
}

function watchError(event: WatchEvent<KubeObject>): Error {
  const status = event.object as unknown as { code?: number; reason?: string; message?: string }
  return new KubeError(
    status.code ?? 500,
    status.reason ?? 'Unknown',
    status.message ?? 'the watch ended with an error',
  )
}
