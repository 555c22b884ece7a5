import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { ExecutionContext } from 'ava'
import type { CallBoundary } from '../../../local/call-hook.ts'
import { type LocalCloud, type LocalCloudOptions, startLocalCloud } from '../../../local/cloud.ts'
import type { AsyncInferenceEndpoint } from '../../../operator/api/async-inference-endpoint.ts'
import { ASYNC_INFERENCE_ENDPOINTS, MODEL_IMAGES } from '../../../operator/api/names.ts'
import { endpointName } from '../../../operator/controllers/endpoint/names.ts'
import { connect } from '../../../operator/kube/client.ts'
import { isNotFound } from '../../../operator/kube/errors.ts'
import { informer } from '../../../operator/kube/informer.ts'
import { testCluster } from '../../kubernetes.ts'
import { aModelImage, anEndpoint } from '../api/manifests.ts'
import { conditionOf, endpointIn, isTrue, namesIn } from '../controllers/world.ts'
import { silent } from '../kube/support.ts'
import { type OperatorProcess, operatorProcess } from '../process.ts'
import { type Point, pointNames } from './points.ts'
import { type Names, normalised, verdict } from './state.ts'

/** A hang detector, not a measure: the machine may be busy. */
const LIMIT_MS = 120_000
const LOOK_MS = 30
/** Without a write for this long, a run has come to its end: the operator looks every 0.2 s. */
const QUIET_MS = 1_000
const DOUBLES = /^(Create|Update|Delete)(Endpoint|EndpointConfig|Model)$/

/** One object, from before the act until it is gone again. */
export type Actor = Names & {
  cloud: LocalCloud
  /** Undefined when it is gone. */
  object(): AsyncInferenceEndpoint | undefined
  apply(): Promise<void>
  patch(patch: object): Promise<void>
  remove(): Promise<void>
  endpoint: () => ReturnType<typeof endpointIn>
  ready(): boolean
}

export type Scenario = {
  /** Of the object, beside what is required. */
  spec?: object
  cloud?: LocalCloudOptions
  /** What the account has before the first run. */
  prepare?(cloud: LocalCloud): Promise<void>
  /** Whether the object is there and Ready when the act begins. */
  fromReady: boolean
  act(actor: Actor): Promise<void>
  /** Called when the operator wrote status or called AWS, for faults that end by what it did. */
  meanwhile?(actor: Actor): void
  /** Whether the act has come to its end; `before` is the endpoint from when the act began. */
  over(actor: Actor, before: ReturnType<typeof endpointIn>): boolean
}

/** How one run ended. */
export type Run = {
  points: Point[]
  /** Whether the operator was killed, where that was asked for. */
  met: boolean
  end: unknown
  /** Calls that made, changed or deleted an endpoint, configuration or model, by operation. */
  effective: Record<string, number>
  /** What should never have been, in words. */
  violations: string[]
}

/** A cloud, a namespace, and one operator process after the other. */
export async function stage(t: ExecutionContext, scenario: Scenario) {
  const cluster = testCluster()
  const namespace = await cluster.namespace('crash')
  const kube = connect({ kubeconfigPath: cluster.kubeconfigPath })
  let watching: { onCall(boundary: CallBoundary): Promise<'drop' | undefined>; onStatus(): void } | undefined
  const cloud = await startLocalCloud({
    ...scenario.cloud,
    delays: {
      creating: 300,
      updating: 300,
      deleting: 300,
      instanceStart: 0,
      terminationGrace: 100,
      ...scenario.cloud?.delays,
    },
    onCall: (boundary) => watching?.onCall(boundary),
  })
  await scenario.prepare?.(cloud)
  const objects = informer<AsyncInferenceEndpoint>({
    client: kube,
    resource: ASYNC_INFERENCE_ENDPOINTS,
    namespace,
    log: silent,
  })
  objects.onChange(() => watching?.onStatus())
  objects.start()
  const start = () =>
    operatorProcess({ ...cloud.environment, KUBECONFIG: cluster.kubeconfigPath, MOORING_NAMESPACE: namespace })
  let operator: OperatorProcess = start()
  t.teardown(async () => {
    watching = undefined
    await operator.kill()
    await objects.stop()
    await cloud.stop()
  })

  const until = async (what: string, holds: () => boolean) => {
    for (const end = Date.now() + LIMIT_MS; Date.now() < end; await delay(LOOK_MS)) if (holds()) return
    const said = objects.list().map((object) => JSON.stringify(verdict(object)))
    const logged = operator.lines.slice(-20).map(({ msg, err }) => `${msg} ${err?.message ?? ''}`)
    throw new Error(`not within ${LIMIT_MS} ms: ${what}\n${said.join('\n')}\n${logged.join('\n')}`)
  }

  const newActor = (name: string): Actor => {
    const key = { namespace, name }
    const actor: Actor = {
      name,
      namespace,
      uid: '',
      endpointName: '',
      cloud,
      object: () => objects.get(`${namespace}/${name}`),
      async apply() {
        await kube.create(MODEL_IMAGES, aModelImage(namespace, name), namespace)
        const manifest = anEndpoint(namespace, name)
        const spec = { ...(manifest.spec as object), imageRef: { name }, ...scenario.spec }
        const made = (await kube.create(
          ASYNC_INFERENCE_ENDPOINTS,
          { ...manifest, spec },
          namespace,
        )) as AsyncInferenceEndpoint
        actor.uid = made.metadata.uid ?? ''
        actor.endpointName = endpointName({ namespace, name, uid: actor.uid })
      },
      async patch(patch) {
        await kube.mergePatch(ASYNC_INFERENCE_ENDPOINTS, key, patch)
      },
      async remove() {
        await kube.delete(ASYNC_INFERENCE_ENDPOINTS, key).catch((error: unknown) => {
          if (!isNotFound(error)) throw error
        })
      },
      endpoint: () => endpointIn(cloud, actor.endpointName),
      ready() {
        const object = actor.object()
        return object !== undefined && isTrue(object, 'Ready')
      },
    }
    return actor
  }

  const endOf = (actor: Actor): unknown => {
    const { sagemaker, 'application-autoscaling': scaling, monitoring } = cloud.state()
    const object = actor.object()
    return normalised({ sagemaker, scaling, monitoring, verdict: object && verdict(object) }, actor)
  }
  const effective = () => {
    const counts: Record<string, number> = {}
    for (const { operation, code } of cloud.calls())
      if (code === 'OK' && DOUBLES.test(operation)) counts[operation] = (counts[operation] ?? 0) + 1
    return counts
  }

  let count = 0
  /**
   * One object through the act and away again.
   * @param point where the operator is killed and started anew
   * @param expected the end to wait for; without it, the run is over when nothing is written any more
   */
  const run = async (point?: Point, expected?: unknown): Promise<Run> => {
    const actor = newActor(`object-${++count}`)
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
    watching = {
      async onCall(boundary) {
        if (/^(Create|Update|Delete|Put|Register|Deregister)/.test(boundary.operation)) lastWrite = Date.now()
        const { endpoints } = cloud.state().sagemaker as { endpoints: unknown[] }
        if (endpoints.length > 1) violations.add(`${endpoints.length} endpoints at ${boundary.operation}`)
        scenario.meanwhile?.(actor)
        return await passed(names.ofCall(boundary))
      },
      onStatus() {
        scenario.meanwhile?.(actor)
        const { status } = actor.object() ?? {}
        const ready = status && conditionOf({ status }, 'Ready')
        if (status?.phase) void passed(names.ofStatus(status.phase, ready?.reason ?? ''))
      },
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
      for (const end = Date.now() + LIMIT_MS / 4; Date.now() < end; await delay(LOOK_MS))
        if (isDeepStrictEqual(endOf(actor), expected)) break
    }
    watching = undefined
    const result = { points, met, end: endOf(actor), effective: effective(), violations: [...violations] }
    cloud.clearFaults()
    await actor.remove()
    await until('the object is gone', () => actor.object() === undefined)
    await kube.delete(MODEL_IMAGES, { namespace, name: actor.name })
    const left = namesIn(cloud, actor.endpointName)
    if (left.length > 0) result.violations.push(`left behind: ${left.join(', ')}`)
    return result
  }

  return { run }
}
