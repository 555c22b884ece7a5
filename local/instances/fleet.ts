import { setTimeout as delay } from 'node:timers/promises'
import type { Instance } from './instance.ts'

/** An instance that could not be brought up, in the words that become a FailureReason. */
export class LaunchError extends Error {
  constructor(reason: string, options?: ErrorOptions) {
    super(reason, options)
    this.name = 'LaunchError'
  }
}

/** Instances of one variant, kept at a desired number. */
export type Fleet = {
  desired(): number
  /** Those that answer their pings, oldest first. */
  healthy(): readonly Instance[]
  /**
   * Starts or terminates instances. Resolves once exactly `count` are healthy and the others gone.
   * @throws LaunchError when an instance cannot be brought up; the fleet goes on trying until it is resized or stopped.
   */
  resize(count: number, graceMs: number): Promise<void>
  /** Kills what runs; replacements start at once. */
  kill(instances?: readonly Instance[]): void
  /** Terminates all for good. */
  stop(graceMs: number): Promise<void>
}

type Slot = { stopping: AbortController; grace: number; instance: Instance | undefined; done: Promise<void> }

/** Replacements in a row wait longer and longer, so that a container that dies at once does not keep the laptop busy. */
const FIRST_BACKOFF_MS = 500
const MAX_BACKOFF_MS = 30_000
/** An instance that lived so long is not part of a row of failures. */
const SETTLED_MS = 10_000

/** Keeps instances running: `launch` brings one up, healthy, or throws; an instance that ends is replaced. */
export function fleet(options: { launch: (signal: AbortSignal) => Promise<Instance>; onChange: () => void }): Fleet {
  const slots: Slot[] = []
  let stopped = false
  const waiters = new Set<{ settle: () => void; fail: (error: unknown) => void }>()
  const healthy = () => slots.flatMap((slot) => (slot.instance ? [slot.instance] : []))

  const changed = () => {
    options.onChange()
    if (healthy().length === slots.length) for (const waiter of [...waiters]) waiter.settle()
  }

  const open = () => {
    const slot: Slot = { stopping: new AbortController(), grace: 0, instance: undefined, done: Promise.resolve() }
    slots.push(slot)
    slot.done = keep(slot)
  }

  async function keep(slot: Slot): Promise<void> {
    const { signal } = slot.stopping
    const told = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    let failures = 0
    while (!signal.aborted) {
      try {
        const instance = await options.launch(signal)
        if (!signal.aborted) {
          slot.instance = instance
          changed()
        }
        const since = performance.now()
        await Promise.race([instance.ended, told])
        if (signal.aborted) return await instance.terminate(slot.grace)
        if (performance.now() - since > SETTLED_MS) failures = 0
        slot.instance = undefined
        changed()
      } catch (error) {
        if (signal.aborted) return
        for (const waiter of [...waiters]) waiter.fail(error)
      }
      const backoff = Math.min(FIRST_BACKOFF_MS * 2 ** failures++, MAX_BACKOFF_MS)
      await delay(backoff, undefined, { signal }).catch(() => {})
    }
  }

  const close = (count: number, graceMs: number) => {
    // Those that do not serve yet go first, then the youngest.
    const order = [...slots.filter((slot) => slot.instance), ...slots.filter((slot) => !slot.instance)]
    const leaving = order.slice(order.length - count)
    for (const slot of leaving) {
      slots.splice(slots.indexOf(slot), 1)
      slot.grace = graceMs
      slot.stopping.abort(new DOMException('the instance is terminated', 'AbortError'))
    }
    return Promise.all(leaving.map((slot) => slot.done))
  }

  const settled = () =>
    new Promise<void>((resolve, reject) => {
      const waiter = {
        settle: () => {
          waiters.delete(waiter)
          resolve()
        },
        fail: (error: unknown) => {
          waiters.delete(waiter)
          reject(error)
        },
      }
      waiters.add(waiter)
      if (healthy().length === slots.length) waiter.settle()
    })

  return {
    desired: () => slots.length,
    healthy,
    async resize(count, graceMs) {
      // A transition that was cut short must not bring back to life what was stopped under it.
      if (stopped) return
      while (slots.length < count) open()
      const leaving = slots.length > count ? close(slots.length - count, graceMs) : undefined
      changed()
      await Promise.all([settled(), leaving])
    },
    kill(instances = healthy()) {
      for (const instance of instances) instance.kill()
    },
    async stop(graceMs) {
      stopped = true
      const leaving = close(slots.length, graceMs)
      changed()
      await leaving
    },
  }
}
