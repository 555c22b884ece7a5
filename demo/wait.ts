import { setTimeout as delay } from 'node:timers/promises'

const PAUSE_MS = 250

/**
 * Asks until `ask` gives something.
 * @throws Error saying what was waited for, after `limitSeconds`; the signal's reason, when aborted.
 */
export async function until<T>(
  what: string,
  limitSeconds: number,
  signal: AbortSignal,
  ask: () => Promise<T | undefined>,
): Promise<T> {
  const end = performance.now() + limitSeconds * 1000
  for (;;) {
    signal.throwIfAborted()
    const answer = await ask()
    if (answer !== undefined) return answer
    if (performance.now() > end) throw new Error(`${what}: not within ${limitSeconds} s`)
    await delay(PAUSE_MS, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}
