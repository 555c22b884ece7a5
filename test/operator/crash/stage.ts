import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { ExecutionContext } from 'ava'
import type { LocalCloudOptions } from '../../../local/cloud.ts'
import { conditionOf } from '../controllers/world.ts'
import { type Point, pointNames } from './points.ts'
import { type Actor, scene } from './scene.ts'

const LOOK_MS = 30
/** The end that the assertion then compares is waited for this long. */
const END_LIMIT_MS = 30_000
/** Without a write for this long, a run has come to its end: the operator looks every 0.2 s. */
const QUIET_MS = 1_000

export type Scenario = {
  cloud?: LocalCloudOptions
  /** Of the object, beside what is required. */
  spec?: object
  /** Whether the object is there and Ready when the act begins. */
  fromReady: boolean
  act(actor: Actor): Promise<void>
  /** Called when the operator wrote status or called AWS, for faults that end by what it did. */
  meanwhile?(actor: Actor): void
  /** Whether the act has come to its end; `before` is the endpoint from when the act began. */
  over(actor: Actor, before: ReturnType<Actor['endpoint']>): boolean
}

/** How one run ended. */
export type Run = {
  points: Point[]
  /** Whether the operator was killed, where that was asked for. */
  met: boolean
  end: unknown
  effective: Record<string, number>
  /** What should never have been, in words. */
  violations: string[]
}

/** A cloud, a namespace, and one operator process after the other. */
export async function stage(t: ExecutionContext, scenario: Scenario) {
  const { cloud, hook, start, until, end, effective, ...set } = await scene(t, scenario)
  let operator = start()

  /**
   * One object through the act and away again.
   * @param point where the operator is killed and started anew
   * @param expected the end to wait for; without it, the run is over when nothing is written any more
   */
  const run = async (point?: Point, expected?: unknown): Promise<Run> => {
    const actor = set.actor(scenario.spec)
    const points: Point[] = []
    const violations = new Set<string>()
    const names = pointNames()
    let met = false
    let lastWrite = Date.now()
    if (scenario.fromReady) {
      await actor.apply()
      await until('Ready before the act', actor.ready)
    }
    cloud.resetCalls()
    const before = actor.endpoint()
    const passed = async (at: Point | undefined): Promise<'drop' | undefined> => {
      if (at === undefined || met) return undefined
      points.push(at)
      if (at !== point) return undefined
      met = true
      await operator.kill()
      return 'drop'
    }
    hook.onCall = async (boundary) => {
      if (/^(Create|Update|Delete|Put|Register|Deregister)/.test(boundary.operation)) lastWrite = Date.now()
      const { endpoints } = cloud.state().sagemaker as { endpoints: unknown[] }
      if (endpoints.length > 1) violations.add(`${endpoints.length} endpoints at ${boundary.operation}`)
      scenario.meanwhile?.(actor)
      return await passed(names.ofCall(boundary))
    }
    hook.onStatus = () => {
      scenario.meanwhile?.(actor)
      const { status } = actor.object() ?? {}
      const ready = status && conditionOf({ status }, 'Ready')
      if (status?.phase) void passed(names.ofStatus(status.phase, ready?.reason ?? ''))
    }
    await scenario.act(actor)
    const over = () => scenario.over(actor, before)
    await until(`the end of the act, or ${point}`, () => met || over())
    if (met) {
      await operator.kill()
      operator = start()
    }
    if (expected === undefined) await until('quiet', () => over() && Date.now() - lastWrite > QUIET_MS)
    else {
      await until('the end of the act', over)
      // Its last acts may come after what the user waits for. The assertion on the end says what is not as it should be.
      for (const limit = Date.now() + END_LIMIT_MS; Date.now() < limit; await delay(LOOK_MS))
        if (isDeepStrictEqual(end(actor), expected)) break
    }
    delete hook.onCall
    delete hook.onStatus
    const result = { points, met, end: end(actor), effective: effective() }
    cloud.clearFaults()
    const left = await actor.removed()
    if (left.length > 0) violations.add(`left behind: ${left.join(', ')}`)
    return { ...result, violations: [...violations] }
  }

  return { run }
}
