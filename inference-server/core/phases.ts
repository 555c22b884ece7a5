/**
 * How long each phase of one request took, in milliseconds; the same figures go to the response's Server-Timing, the log line
 * and the histogram. The phases are queue (for a worker), decode, preprocess, infer, postprocess, encode, download, upload.
 */
export type Phases = {
  /** Runs `work` and adds its time to the phase. */
  time<T>(phase: string, work: () => Promise<T> | T): Promise<T>
  add(phase: string, milliseconds: number): void
  entries(): Readonly<Record<string, number>>
}

/** `now` is a monotonic clock in milliseconds. */
export function phases(now: () => number): Phases {
  const spent: Record<string, number> = {}
  const add = (phase: string, milliseconds: number) => {
    spent[phase] = Math.round(((spent[phase] ?? 0) + milliseconds) * 100) / 100
  }
  return {
    add,
    async time(phase, work) {
      const start = now()
      try {
        return await work()
      } finally {
        add(phase, now() - start)
      }
    },
    entries: () => spent,
  }
}
