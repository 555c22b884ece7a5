import { Worker } from 'node:worker_threads'

/** A path in a JSON text, and what is expected there; as in spec.smokeTest.expect.jsonPath. */
export type JsonCheck = { path: string; equals?: string | undefined; matches?: string | undefined }

/** A hang detector: a check takes milliseconds, the start of its thread tens of them. */
const TIME_LIMIT_MS = 5_000
const MEMORY_LIMIT_MB = 256

/**
 * Holds a JSON text against the checks and answers what is wrong, in sentences; none when all is well.
 *
 * In a thread of its own, which is ended when it takes too long or too much memory: V8 matches regular expressions by backtracking,
 * for which a short expression and a short text can take for ever, and paths such as `$..*..*` multiply what they find. Neither may
 * hold up the objects of everybody else. A linear-time matcher would help with the first only.
 * @param at where the checks stand, for the messages: spec.smokeTest.expect
 */
export async function checkJson(
  text: string,
  checks: readonly JsonCheck[],
  { at, timeLimitMs = TIME_LIMIT_MS }: { at: string; timeLimitMs?: number },
): Promise<string[]> {
  const worker = new Worker(new URL('./json-checks-worker.ts', import.meta.url), {
    workerData: { text, checks },
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_LIMIT_MB },
    // What the text could reach if a library had a hole: no credentials.
    env: {},
    execArgv: [],
  })
  const tooMuch = `Simplify ${at}.jsonPath: its checks take more than ${timeLimitMs / 1000} s or ${MEMORY_LIMIT_MB} MiB on this answer.`
  return await new Promise<string[]>((resolve) => {
    const timer = setTimeout(() => resolve([tooMuch]), timeLimitMs)
    worker.once('message', (mismatches: string[]) => resolve(mismatches))
    // Out of memory, too.
    worker.once('error', () => resolve([tooMuch]))
    worker.once('exit', () => {
      clearTimeout(timer)
      resolve([tooMuch])
    })
  }).finally(() => worker.terminate())
}
