import { Worker } from 'node:worker_threads'

/** A hang detector: an expression takes microseconds, the start of the thread tens of milliseconds. */
const TIME_LIMIT_MS = 5_000
const MEMORY_LIMIT_MB = 64
/** Of the text that an expression is tried on. */
const MAX_TEXT = 4096
/** Characters that make an expression go back and try another way. */
const BACKTRACKS = /[*+?{|(]/

export type Question = { pattern: string; text: string }

/** An expression in spec.checks that cannot be used; the message says why. */
export class PatternProblem extends Error {
  override readonly name = 'PatternProblem'
}

/**
 * Which of the texts match their expression somewhere; ^ and $ tie it to the ends. The expressions are JavaScript's, and of RE2's syntax as
 * far as the API server has seen them.
 *
 * V8 matches by backtracking, for which a short expression and a short text can take for ever. Expressions that cannot go back, such as
 * `inference\.py$`, are tried at once; the others in a thread of its own, which is ended when it takes too long: whoever writes a ModelImage
 * must not hold up the objects of everybody else.
 * @throws PatternProblem for an expression that is none, or that takes too long
 */
export async function matchAll(
  questions: readonly Question[],
  timeLimitMs: number = TIME_LIMIT_MS,
): Promise<boolean[]> {
  const cut = questions.map(({ pattern, text }) => ({ pattern: portable(pattern), text: text.slice(0, MAX_TEXT) }))
  for (const { pattern } of cut) compiled(pattern)
  if (!cut.some(({ pattern }) => BACKTRACKS.test(pattern)))
    return cut.map(({ pattern, text }) => compiled(pattern).test(text))

  const worker = new Worker(new URL('./patterns-worker.ts', import.meta.url), {
    workerData: cut,
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_LIMIT_MB },
    env: {},
    execArgv: [],
  })
  return await new Promise<boolean[]>((resolve, reject) => {
    const tooMuch = () =>
      reject(
        new PatternProblem('One of its expressions takes too long to evaluate: take a repetition out of a repetition.'),
      )
    const timer = setTimeout(tooMuch, timeLimitMs)
    worker.once('message', resolve)
    // Out of memory, too.
    worker.once('error', tooMuch)
    worker.once('exit', () => {
      clearTimeout(timer)
      tooMuch()
    })
  }).finally(() => worker.terminate())
}

/** RE2 lets every punctuation character be escaped, as people do with - and _; JavaScript only those that mean something. */
function portable(pattern: string): string {
  return pattern.replace(/\\(.)/gsu, (whole, character: string) =>
    /[!"#%&',\-:;<=>@_`~ ]/.test(character) ? `\\x${character.charCodeAt(0).toString(16)}` : whole,
  )
}

function compiled(pattern: string): RegExp {
  try {
    return new RegExp(pattern, 'u')
  } catch {
    throw new PatternProblem(
      `${pattern.slice(0, 80)} is no regular expression of JavaScript: leave out what only RE2 knows, such as (?i) and [[:alpha:]].`,
    )
  }
}
