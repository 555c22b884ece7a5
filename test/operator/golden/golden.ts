import test, { type ExecutionContext } from 'ava'
import type { CallBoundary, CallHook } from '../../../local/call-hook.ts'
import type { AsyncInferenceEndpoint } from '../../../operator/api/async-inference-endpoint.ts'
import { conditionOf, type World, world } from '../controllers/world.ts'
import { CASES } from './cases.ts'

export type CaseName = keyof typeof CASES

/** A test of the outcome that docs/compared-with-ack.md promises for these cases. page.ts finds it by this call. */
export function golden(names: CaseName | CaseName[], run: (t: ExecutionContext) => Promise<void>): void {
  const all = [names].flat()
  test(`${all.join(', ')}: ${all[0] ? CASES[all[0]].mooring : ''}`, run)
}

/** An operator in a namespace of its own, stopped with the test. */
export async function started(t: ExecutionContext, options: Parameters<typeof world>[0] = {}): Promise<World> {
  const w = await world(options)
  t.teardown(() => w.stop())
  return w
}

/** Waits for the condition to have one of the reasons. */
export function reason(w: World, type: string, wanted: RegExp) {
  return w.until(`${type} ${wanted}`, (endpoint) => {
    const condition = conditionOf(endpoint, type)
    return condition && wanted.test(condition.reason ?? '') && condition
  })
}

/**
 * Waits until the operator has looked at its endpoint so many times more, by itself or in a list of all: what it was to do by then, it
 * has done.
 */
export async function looks(w: World, more = 3): Promise<void> {
  const count = async () => {
    const { DescribeEndpoint = 0, ListEndpoints = 0 } = await w.calls()
    return DescribeEndpoint + ListEndpoints
  }
  const before = await count()
  await w.until(`${more} more looks`, async () => (await count()) >= before + more)
}

export type CallLog = {
  onCall: CallHook
  /** Calls whose input mentions the subject, in order: `Operation`, with the code where it is not OK. */
  of(subject: string, only?: RegExp): string[]
}

/** What went to the cloud, with its inputs: the recorder has none. */
export function callLog(): CallLog {
  const calls: CallBoundary[] = []
  return {
    onCall(boundary) {
      if (boundary.phase === 'after') calls.push(boundary)
      return undefined
    },
    of: (subject, only = /./) =>
      calls
        .filter(({ operation, input }) => only.test(operation) && JSON.stringify(input ?? '').includes(subject))
        .map(({ operation, code }) => (code === 'OK' ? operation : `${operation} ${code}`)),
  }
}

/** The moments at which each condition last changed, but Progressing, which says that something is tried again. */
export function transitions({ status }: AsyncInferenceEndpoint): Record<string, string | undefined> {
  const lasting = (status?.conditions ?? []).filter(({ type }) => type !== 'Progressing')
  return Object.fromEntries(lasting.map(({ type, lastTransitionTime }) => [type, lastTransitionTime]))
}
