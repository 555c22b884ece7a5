import type { JsonObject } from '../service.ts'

/** Answers kept, one pair per operation and input; the least recently read makes room. */
const MAX_READS = 2000

/** What a read was answered: an output, or the error that was thrown instead. */
export type Answer = { output: JsonObject } | { error: unknown }

export type PastAnswers = {
  /** Notes what a read is answered now, and says what it was answered before the newest change that it saw. */
  before(operation: string, input: JsonObject, now: Answer): Answer
}

/**
 * What reads were answered earlier: for the `stale` fault, which is eventual consistency on request. A read that never had another
 * answer has no past; its answer of now is the honest one.
 */
export function pastAnswers(limit = MAX_READS): PastAnswers {
  type Seen = { now: Answer; text: string; before: Answer | undefined }
  const reads = new Map<string, Seen>()
  return {
    before(operation, input, now) {
      const key = `${operation} ${JSON.stringify(input)}`
      const text = textOf(now)
      const known = reads.get(key)
      const seen = known?.text === text ? known : { now, text, before: known?.now }
      reads.delete(key)
      reads.set(key, seen)
      if (reads.size > limit) reads.delete(reads.keys().next().value as string)
      return seen.before ?? now
    },
  }
}

function textOf(answer: Answer): string {
  return 'output' in answer ? JSON.stringify(answer.output) : `error ${String(answer.error)}`
}
