import { setTimeout as delay } from 'node:timers/promises'
import type { KubeClient } from './client.ts'
import type { Log } from './log.ts'
import type { KubeObject, ResourceType } from './types.ts'

const EVENTS: ResourceType = {
  group: 'events.k8s.io',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
}
/** The same event about the same object is not repeated within this time; a loop must not flood the namespace. */
const DEDUPLICATION_MS = 10 * 60_000
/** An API server that is away must not hold up the end of the process, which has 30 s. */
const FLUSH_LIMIT_MS = 5_000
const MAX_REMEMBERED = 4096
/** events.k8s.io/v1 refuses notes of more bytes. */
const MAX_NOTE_BYTES = 1024

export type Recorder = {
  /**
   * Says once that something happened to an object, for `kubectl describe`. Never waits and never throws: an event is a courtesy.
   * @param reason a CamelCase constant
   */
  event(object: KubeObject, type: 'Normal' | 'Warning', reason: string, note: string, action?: string): void
  /** Resolves when the events sent so far have been accepted or given up, or after FLUSH_LIMIT_MS. */
  flush(): Promise<void>
}

export type RecorderOptions = {
  client: KubeClient
  /** Such as mooring.dev/operator. */
  component: string
  /** Such as the Pod's name. */
  instance: string
  log: Log
  now?: () => number
}

export function recorder({ client, component, instance, log, now = Date.now }: RecorderOptions): Recorder {
  const sent = new Map<string, number>()
  const pending = new Set<Promise<void>>()
  let serial = 0

  const repeated = (key: string): boolean => {
    const last = sent.get(key)
    if (last !== undefined && now() - last < DEDUPLICATION_MS) return true
    sent.delete(key)
    sent.set(key, now())
    if (sent.size > MAX_REMEMBERED) sent.delete(sent.keys().next().value as string)
    return false
  }

  return {
    event(object, type, reason, note, action = reason) {
      const { name, namespace = 'default', uid, resourceVersion } = object.metadata
      if (repeated([uid ?? `${namespace}/${name}`, type, reason, note].join('\n'))) return
      const event = {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        // Names of events are the sender's to make unique; object, time and a serial number are.
        metadata: { name: `${name.slice(0, 200)}.${now().toString(16)}${(serial++).toString(16)}`, namespace },
        eventTime: microTime(now()),
        reportingController: component,
        reportingInstance: instance.slice(0, 128),
        type,
        reason,
        action,
        note: cut(note),
        regarding: { apiVersion: object.apiVersion, kind: object.kind, name, namespace, uid, resourceVersion },
      }
      const sending: Promise<void> = client
        .create(EVENTS, event, namespace)
        .then(() => {})
        .catch((error) => log.warn({ err: error, reason, namespace, name }, 'an event was not recorded'))
        .finally(() => pending.delete(sending))
      pending.add(sending)
    },
    async flush() {
      const limit = new AbortController()
      await Promise.race([
        Promise.all(pending),
        delay(FLUSH_LIMIT_MS, undefined, { signal: limit.signal }).catch(() => {}),
      ])
      limit.abort()
    },
  }
}

function cut(note: string): string {
  const bytes = Buffer.from(note)
  if (bytes.byteLength <= MAX_NOTE_BYTES) return note
  // Decoding half a character gives U+FFFD at the end, which is taken off.
  const kept = bytes.subarray(0, MAX_NOTE_BYTES - Buffer.byteLength('…')).toString('utf8')
  return `${kept.replace(/\uFFFD$/, '')}…`
}

/** Kubernetes' MicroTime has six digits; the API server refuses three. */
export function microTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('Z', '000Z')
}
