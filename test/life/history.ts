/** What happened in one sequence, in order: for the report of a failure. */
export type History = {
  /** @param who `test`, `operator 2` or the like */
  add(who: string, what: string): void
  lines(): string[]
}

/** Requests that only look. */
const LOOK = / \w+\.(?:Describe|List|Get|Head)\w* /
const BRIEF_LINES = 40
const BRIEF_LINE = 150

/** The last of what was done, without what was only looked at: for where there is room for a page. */
export function brief(lines: readonly string[]): string[] {
  return lines
    .filter((line) => !LOOK.test(line))
    .slice(-BRIEF_LINES)
    .map((line) => line.slice(0, BRIEF_LINE))
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
