import type { Pass } from './pass.ts'

type Looking = Pick<Pass, 'memory' | 'now' | 'intervals' | 'random'>

/** Whether it was seen, in this revision, to be as it should, and not so long ago that another look is due. */
export function isVerified({ memory, now, intervals }: Looking, what: string, revision: string): boolean {
  const verified = memory.verified.get(what)
  return verified?.revision === revision && now.getTime() - verified.at <= intervals.verify
}

/** Notes that it was seen to be as it should, or made so. */
export function noteVerified({ memory, now }: Looking, what: string, revision: string): void {
  memory.verified.set(what, { revision, at: now.getTime() })
}

/**
 * Takes the status's word for it, when this process has not looked yet. The first look comes at a time spread over the interval: after a
 * restart, a thousand objects must not all be checked at once.
 */
export function assumeVerified({ memory, now, intervals, random }: Looking, what: string, revision: string): void {
  if (memory.verified.get(what)?.revision === revision) return
  memory.verified.set(what, { revision, at: now.getTime() - intervals.verify * random() })
}
