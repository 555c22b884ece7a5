import { stripVTControlCharacters, styleText } from 'node:util'

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const FRAME_MS = 100

/** What the demo prints: a spinner on a terminal, plain lines elsewhere; each line with the time since the start. */
export type Console = {
  /** A heading for what follows. */
  chapter(title: string): void
  /** Runs `work` under a line of progress; the line it leaves says what came of it. */
  step<T>(title: string, work: (note: (text: string) => void) => Promise<T>): Promise<T>
  /** A line below the current step. */
  note(text: string): void
  line(text: string): void
  close(): void
}

/** The step that failed, with the cause's message. */
export class StepError extends Error {
  readonly step: string
  constructor(step: string, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.step = step
  }
}

export function demoConsole(out: NodeJS.WriteStream): Console {
  const started = performance.now()
  const tty = out.isTTY === true
  const elapsed = () => `${((performance.now() - started) / 1000).toFixed(1)}s`.padStart(7)
  let current: { title: string; detail: string } | undefined
  let frame = 0

  const clear = () => tty && out.write('\r\x1b[2K')
  const write = (text: string) => {
    clear()
    out.write(`${tty ? text : stripVTControlCharacters(text)}\n`)
  }
  const draw = () => {
    if (!tty || !current) return
    const width = Math.max(20, (out.columns || 80) - 14)
    const text = `${current.title}${current.detail ? ` · ${current.detail}` : ''}`.slice(0, width)
    clear()
    out.write(`${styleText('cyan', FRAMES[frame++ % FRAMES.length] ?? '')} ${styleText('dim', elapsed())}  ${text}`)
  }
  const timer = setInterval(draw, FRAME_MS)
  timer.unref()
  const note = (text: string) => write(`  ${styleText('dim', elapsed())}    ${text}`)

  return {
    chapter: (title) => write(`\n${styleText('bold', title)}`),
    note,
    line: (text) => write(text),
    async step(title, work) {
      current = { title, detail: '' }
      if (tty) draw()
      try {
        const result = await work((detail) => {
          if (!current || current.detail === detail) return
          current.detail = detail
          if (!tty) note(detail)
        })
        write(`${styleText('green', '✓')} ${styleText('dim', elapsed())}  ${title}`)
        return result
      } catch (error) {
        write(`${styleText('red', '✗')} ${styleText('dim', elapsed())}  ${title}`)
        throw error instanceof StepError ? error : new StepError(title, error)
      } finally {
        current = undefined
      }
    },
    close() {
      clearInterval(timer)
      clear()
    },
  }
}
