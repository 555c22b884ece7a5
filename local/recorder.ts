/** One call as it reached the local cloud. */
export type RecordedCall = {
  /** Milliseconds since the epoch, in real time. */
  at: number
  service: string
  operation: string
  /** `OK`, or the error's code. */
  code: string
  /** Who called: the SDK's user agent. */
  agent: string
}

export type Recorder = {
  add(call: RecordedCall): void
  calls(): RecordedCall[]
  reset(): void
}

/** Old calls make room for new ones: a local cloud may run for days. */
const MAX_CALLS = 500_000

export function recorder(limit = MAX_CALLS): Recorder {
  let calls: RecordedCall[] = []
  return {
    add(call) {
      calls.push(call)
      if (calls.length > limit) calls = calls.slice(-Math.floor(limit / 2))
    },
    calls: () => [...calls],
    reset: () => {
      calls = []
    },
  }
}
