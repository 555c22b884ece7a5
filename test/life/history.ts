/** What happened in one sequence, in order: for the report of a failure. */
export type History = {
  /** @param who `test`, `operator 2` or the like */
  add(who: string, what: string): void
  lines(): string[]
}

/** A sequence that runs wild must not fill the memory; its beginning and its end tell the most. */
const MAX_LINES = 4_000
const MAX_LINE = 600

export function history(): History {
  const began = performance.now()
  const lines: string[] = []
  let left = 0
  return {
    add(who, what) {
      const at = `${((performance.now() - began) / 1000).toFixed(3)} s`.padStart(10)
      lines.push(`${at}  ${who.padEnd(11)} ${what.slice(0, MAX_LINE)}`)
      if (lines.length <= MAX_LINES) return
      lines.splice(MAX_LINES / 2, 1)
      left++
    },
    lines: () =>
      left === 0
        ? [...lines]
        : [...lines.slice(0, MAX_LINES / 2), `… ${left} lines left out …`, ...lines.slice(MAX_LINES / 2)],
  }
}
