import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '../../clock.ts'
import type { Faults } from '../../service.ts'

/** Faults that hold something up are asked for so often, in real milliseconds: they are set and cleared by people and tests. */
const HOLD_POLL_MS = 100

/** Waits `ms` of the cloud's clock; zero does not wait at all, even on a clock that stands still. */
export async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  if (ms > 0) await clock.sleep(ms, signal)
}

/** Waits for as long as a fault is set. */
export async function held(faults: Faults, name: string, subject: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  while (faults.hit(name, subject)) await delay(HOLD_POLL_MS, undefined, { signal })
}
