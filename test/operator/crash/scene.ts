import { setTimeout as delay } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import type { CallHook } from '../../../local/call-hook.ts'
import { type LocalCloud, type LocalCloudOptions, startLocalCloud } from '../../../local/cloud.ts'
import type { AsyncInferenceEndpoint } from '../../../operator/api/async-inference-endpoint.ts'
import { ASYNC_INFERENCE_ENDPOINTS, MODEL_IMAGES } from '../../../operator/api/names.ts'
import { endpointName } from '../../../operator/controllers/endpoint/names.ts'
import { connect } from '../../../operator/kube/client.ts'
import { isNotFound } from '../../../operator/kube/errors.ts'
import { informer } from '../../../operator/kube/informer.ts'
import { testCluster } from '../../kubernetes.ts'
import { aModelImage, anEndpoint } from '../api/manifests.ts'
import { endpointIn, IMAGE, isTrue, makeBucket, namesIn } from '../controllers/world.ts'
import { silent } from '../kube/support.ts'
import { type OperatorProcess, operatorProcess } from '../process.ts'
import { type Names, normalised, verdict } from './state.ts'

/** A hang detector, not a measure: the machine may be busy. */
const LIMIT_MS = 120_000
const LOOK_MS = 30
const DOUBLES = /^(Create|Update|Delete)(Endpoint|EndpointConfig|Model)$/

/** One object, from before it is made until it is gone again. */
export type Actor = Names & {
  cloud: LocalCloud
  /** Undefined when it is gone. */
  object(): AsyncInferenceEndpoint | undefined
  apply(): Promise<void>
  patch(patch: object): Promise<void>
  remove(): Promise<void>
  /** Deletes it, waits, and answers what is left of it in the cloud. */
  removed(): Promise<string[]>
  /** As the cloud has it. */
  endpoint: () => ReturnType<typeof endpointIn>
  ready(): boolean
}

export type Scene = {
  cloud: LocalCloud
  namespace: string
  /** What stands between the operators and the cloud now. */
  hook: { onCall?: CallHook | undefined; onStatus?: (() => void) | undefined }
  start(environment?: Record<string, string>): OperatorProcess
  actor(spec?: object): Actor
  until(what: string, holds: () => boolean): Promise<void>
  /** Cloud and object, as they would read under any name. */
  end(actor: Actor): unknown
  /** Calls that made, changed or deleted an endpoint, configuration or model, by operation. */
  effective(): Record<string, number>
}

/** A cloud and a namespace of their own, for operators that are real processes. */
export async function scene(
  t: ExecutionContext,
  options: { cloud?: LocalCloudOptions | undefined } = {},
): Promise<Scene> {
  const cluster = testCluster()
  const namespace = await cluster.namespace('crash')
  const kube = connect({ kubeconfigPath: cluster.kubeconfigPath })
  const hook: Scene['hook'] = {}
  const cloud = await startLocalCloud({
    images: [IMAGE],
    ...options.cloud,
    delays: {
      creating: 300,
      updating: 300,
      deleting: 300,
      instanceStart: 0,
      terminationGrace: 100,
      ...options.cloud?.delays,
    },
    onCall: (boundary) => hook.onCall?.(boundary),
  })
  await makeBucket(cloud, 'mooring-demo')
  cloud.resetCalls()
  const objects = informer<AsyncInferenceEndpoint>({
    client: kube,
    resource: ASYNC_INFERENCE_ENDPOINTS,
    namespace,
    log: silent,
  })
  objects.onChange(() => hook.onStatus?.())
  objects.start()
  const operators: OperatorProcess[] = []
  t.teardown(async () => {
    delete hook.onCall
    delete hook.onStatus
    for (const operator of operators) await operator.kill()
    await objects.stop()
    await cloud.stop()
  })

  const until = async (what: string, holds: () => boolean) => {
    for (const end = Date.now() + LIMIT_MS; Date.now() < end; await delay(LOOK_MS)) if (holds()) return
    const said = objects.list().map((object) => JSON.stringify(verdict(object)))
    const logged = operators.flatMap(({ lines }) =>
      lines.slice(-10).map(({ msg, err }) => `${msg} ${err?.message ?? ''}`),
    )
    throw new Error(`not within ${LIMIT_MS} ms: ${what}\n${said.join('\n')}\n${logged.join('\n')}`)
  }

  let count = 0
  const actor = (given: object = {}): Actor => {
    const name = `object-${++count}`
    const key = { namespace, name }
    const self: Actor = {
      name,
      namespace,
      uid: '',
      endpointName: '',
      cloud,
      object: () => objects.get(`${namespace}/${name}`),
      async apply() {
        await kube.create(MODEL_IMAGES, aModelImage(namespace, name), namespace)
        const manifest = anEndpoint(namespace, name)
        const spec = { ...(manifest.spec as object), imageRef: { name }, ...given }
        const { metadata } = await kube.create(ASYNC_INFERENCE_ENDPOINTS, { ...manifest, spec }, namespace)
        self.uid = String((metadata as { uid?: string }).uid)
        self.endpointName = endpointName({ namespace, name, uid: self.uid })
      },
      async patch(patch) {
        await kube.mergePatch(ASYNC_INFERENCE_ENDPOINTS, key, patch)
      },
      async remove() {
        await kube.delete(ASYNC_INFERENCE_ENDPOINTS, key).catch((error: unknown) => {
          if (!isNotFound(error)) throw error
        })
      },
      async removed() {
        await self.remove()
        await until(`${name} is gone`, () => self.object() === undefined)
        await kube.delete(MODEL_IMAGES, key)
        return namesIn(cloud, self.endpointName)
      },
      endpoint: () => endpointIn(cloud, self.endpointName),
      ready() {
        const object = self.object()
        return object !== undefined && isTrue(object, 'Ready')
      },
    }
    return self
  }

  return {
    cloud,
    namespace,
    hook,
    start(environment = {}) {
      const operator = operatorProcess({
        ...cloud.environment,
        KUBECONFIG: cluster.kubeconfigPath,
        MOORING_NAMESPACE: namespace,
        ...environment,
      })
      operators.push(operator)
      return operator
    },
    actor,
    until,
    end(of) {
      const { sagemaker, 'application-autoscaling': scaling, monitoring } = cloud.state()
      const object = of.object()
      return normalised({ sagemaker, scaling, monitoring, verdict: object && verdict(object) }, of)
    },
    effective() {
      const counts: Record<string, number> = {}
      for (const { operation, code } of cloud.calls())
        if (code === 'OK' && DOUBLES.test(operation)) counts[operation] = (counts[operation] ?? 0) + 1
      return counts
    },
  }
}
