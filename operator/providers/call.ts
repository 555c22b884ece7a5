/** What every AWS call is given: when to give up. */
export type CallOptions = { abortSignal: AbortSignal }

/** One operation of an AWS client. Providers list the operations they use by this type; the SDK's clients have them. */
export type Operation<Input, Output> = (input: Input, options: CallOptions) => Promise<Output>

/** Retries by the SDK included. A worker must not wait longer for an answer than for its next turn. */
export const CALL_DEADLINE_MS = 30_000

const deadlines = new WeakMap<AbortSignal, number>()

/** Ends the call with the pass, or at its deadline. */
export function within(signal: AbortSignal): CallOptions {
  const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(CALL_DEADLINE_MS)])
  deadlines.set(abortSignal, performance.now() + CALL_DEADLINE_MS)
  return { abortSignal }
}

/** When the call that was given this signal must have ended, in ms of `performance.now()`; undefined where `within` did not make it. */
export function deadlineOf(signal: AbortSignal | undefined): number | undefined {
  return signal && deadlines.get(signal)
}
