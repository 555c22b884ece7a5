/** Time that stands still until it is advanced, and then runs what is due, in order. */
export function virtualTimers() {
  let now = 0
  let order = 0
  const timers = new Set<{ due: number; order: number; callback: () => void }>()
  /** Whatever promises set off runs before time goes on. */
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve))
  const schedule = (callback: () => void, ms: number) => {
    const timer = { due: now + ms, order: order++, callback }
    timers.add(timer)
    return () => void timers.delete(timer)
  }
  return {
    now: () => now,
    schedule,
    sleep: (ms: number) => new Promise<void>((resolve) => void schedule(resolve, ms)),
    async advance(ms: number) {
      const end = now + ms
      for (;;) {
        await settle()
        const next = [...timers].filter(({ due }) => due <= end).sort((a, b) => a.due - b.due || a.order - b.order)[0]
        if (!next) break
        timers.delete(next)
        now = Math.max(now, next.due)
        next.callback()
      }
      now = end
      await settle()
    },
  }
}
