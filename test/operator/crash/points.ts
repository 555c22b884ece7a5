import type { CallBoundary } from '../../../local/call-hook.ts'

/**
 * A moment at which the operator can die: a boundary of a call to AWS, or just after a write of status. Two moments are one point
 * when what came before is the same, however often a state was polled meanwhile.
 */
export type Point = string

/** Operations that change nothing: dying before or after one is the same. */
const READ = /^(Describe|List|Get|BatchGet|GET$|HEAD$)/

/** Names the points of one run, in the order in which they pass. */
export function pointNames() {
  const counts = new Map<string, number>()
  let lastWrite = 'the start'
  const numbered = (operation: string, phase: string) => {
    const count = (counts.get(`${phase} ${operation}`) ?? 0) + 1
    counts.set(`${phase} ${operation}`, count)
    return count === 1 ? operation : `${operation} no. ${count}`
  }

  return {
    /** Undefined for the boundary before a read, which is the one after the call before it. */
    ofCall({ phase, operation, code, output }: CallBoundary): Point | undefined {
      if (READ.test(operation)) {
        if (phase === 'before') return undefined
        const state = code === 'OK' ? (output?.EndpointStatus ?? 'OK') : code
        return `after ${operation} (${String(state)}), since ${lastWrite}`
      }
      const write = numbered(operation, phase)
      if (phase === 'before') lastWrite = write
      return `${phase} ${write}${phase === 'before' || code === 'OK' ? '' : ` (${code})`}`
    },
    ofStatus: (phase: string, reason: string): Point => `after the status write ${phase}/${reason}, since ${lastWrite}`,
  }
}

/** Points that every run must pass: what is only read, or seen of a status, may be skipped when the machine is slow. */
export function isCertain(point: Point): boolean {
  return !point.includes(', since ')
}
