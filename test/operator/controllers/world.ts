import { setTimeout as delay } from 'node:timers/promises'
import { pino } from 'pino'
import { type LocalCloud, type LocalCloudOptions, startLocalCloud } from '../../../local/cloud.ts'
import type { ImageDefinition } from '../../../local/services/ecr/image-definition.ts'
import type { AsyncInferenceEndpoint } from '../../../operator/api/async-inference-endpoint.ts'
import type { Condition } from '../../../operator/api/conditions.ts'
import type { ModelImage } from '../../../operator/api/model-image.ts'
import { ASYNC_INFERENCE_ENDPOINTS, MODEL_IMAGES } from '../../../operator/api/names.ts'
import { type Config, readConfig } from '../../../operator/config.ts'
import { endpointName } from '../../../operator/controllers/endpoint/names.ts'
import { connect, type KubeClient } from '../../../operator/kube/client.ts'
import { isNotFound } from '../../../operator/kube/errors.ts'
import { type Operator, startOperator } from '../../../operator/operator.ts'
import { type TestCluster, testCluster } from '../../kubernetes.ts'
import { aModelImage, anEndpoint } from '../api/manifests.ts'

/** A hang detector, not a measure: the machine may be busy. */
const LIMIT_MS = 90_000
const LOOK_MS = 50
export const IMAGE: ImageDefinition = { repository: 'sam-lite', tag: '1.0.0', command: [] }

/** The local cloud of a test file, spoken to over HTTP; the SDK's own variables are set for the whole process. */
export async function cloudForFile(options: LocalCloudOptions = {}): Promise<LocalCloud> {
  const cloud = await startLocalCloud({
    images: [IMAGE],
    ...options,
    delays: {
      creating: 0,
      updating: 0,
      deleting: 0,
      instanceStart: 0,
      terminationGrace: 100,
      metricPeriod: 3_600_000,
      ...options.delays,
    },
  })
  Object.assign(process.env, cloud.environment)
  await makeBucket(cloud, 'mooring-demo')
  return cloud
}

/** Unsigned requests for a bucket are S3's. */
export async function makeBucket(cloud: LocalCloud, name: string): Promise<void> {
  const { ok, status } = await fetch(`${cloud.url}/${name}`, { method: 'PUT' })
  if (!ok) throw new Error(`the local cloud answered ${status} to a new bucket ${name}`)
}

export type World = {
  cluster: TestCluster
  namespace: string
  kube: KubeClient
  operator: Operator
  /** Starts the operator once more, with these variables beside, in place of the one that runs: a new process as far as memory goes. */
  restart(environment?: Record<string, string>): Promise<void>
  stop(): Promise<void>
  image(name?: string): Promise<ModelImage>
  endpoint(name?: string): Promise<AsyncInferenceEndpoint>
  /** Waits until `found` answers something for the object. */
  until<T>(
    what: string,
    found: (endpoint: AsyncInferenceEndpoint) => T | undefined | false | Promise<T | undefined | false>,
    name?: string,
  ): Promise<T>
  ready(name?: string): Promise<AsyncInferenceEndpoint>
  gone(name?: string): Promise<void>
  applyImage(image?: string): Promise<void>
  /** Creates the endpoint, and its ModelImage before it. */
  apply(options?: { spec?: object; name?: string; withoutImage?: boolean }): Promise<void>
  /** The name that the endpoint has, or will have, in SageMaker. */
  nameInCloud(name?: string): Promise<string>
  patch(patch: object, name?: string): Promise<void>
  annotate(annotations: Record<string, string>, name?: string): Promise<void>
  remove(name?: string): Promise<void>
  /** Calls to AWS that the running operator made, by `Operation`, retries included. */
  calls(): Promise<Record<string, number>>
  events(): Promise<{ type: string; reason: string; note: string }[]>
}

/** One namespace with an operator of its own, in this process, put together as main.ts does. */
export async function world(
  overrides: {
    intervals?: Partial<Config['intervals']>
    /** Of the operator, beside what the tests set. */
    environment?: Record<string, string>
    /** Stands between the first operator and the API server; one started by restart() speaks to it directly. */
    between?: (kube: KubeClient) => KubeClient
    /** The operator's clock. Its waits pass in real time nevertheless: give short intervals. */
    now?: () => number
  } = {},
): Promise<World> {
  const cluster = testCluster()
  const namespace = await cluster.namespace('operator')
  const kube = connect({ kubeconfigPath: cluster.kubeconfigPath })
  const configured = (environment: Record<string, string> = {}): Config => ({
    ...readConfig({
      ...process.env,
      MOORING_HTTP_ADDRESS: '127.0.0.1',
      MOORING_HTTP_PORT: '0',
      ...overrides.environment,
      ...environment,
    }),
    namespace,
    intervals: { inFlight: 200, settled: 1_000, deleting: 200, verify: 2_000, ...overrides.intervals },
  })
  const log = pino({ level: process.env.TEST_LOG_LEVEL ?? 'silent' })
  const start = (client: KubeClient, config = configured()) =>
    startOperator({
      config,
      kube: client,
      log,
      ...(overrides.now ? { now: overrides.now } : {}),
      onFatal: (reason) => {
        throw new Error(reason)
      },
    })

  const get = (name: string) => kube.get<AsyncInferenceEndpoint>(ASYNC_INFERENCE_ENDPOINTS, { namespace, name })
  const self: World = {
    cluster,
    namespace,
    kube,
    operator: await start(overrides.between?.(kube) ?? kube),
    async restart(environment) {
      await self.operator.stop()
      self.operator = await start(kube, configured(environment))
    },
    stop: () => self.operator.stop(),
    image: (name = 'sam-lite') => kube.get<ModelImage>(MODEL_IMAGES, { namespace, name }),
    endpoint: (name = 'segment') => get(name),
    async until(what, found, name = 'segment') {
      let last: AsyncInferenceEndpoint | undefined
      for (const end = Date.now() + LIMIT_MS; Date.now() < end; ) {
        last = await get(name)
        const answer = await found(last)
        if (answer !== undefined && answer !== false) return answer
        await delay(LOOK_MS)
      }
      throw new Error(`not within ${LIMIT_MS} ms: ${what}. The status is ${JSON.stringify(last?.status, null, 1)}`)
    },
    ready: (name) => self.until('Ready', (endpoint) => isTrue(endpoint, 'Ready') && endpoint, name),
    async gone(name = 'segment') {
      for (const end = Date.now() + LIMIT_MS; Date.now() < end; await delay(LOOK_MS)) {
        try {
          await get(name)
        } catch (error) {
          if (isNotFound(error)) return
          throw error
        }
      }
      throw new Error(`${name} is still there: ${JSON.stringify((await get(name)).status, null, 1)}`)
    },
    async applyImage(image) {
      await kube.create(MODEL_IMAGES, withImage(aModelImage(namespace), image), namespace)
    },
    async apply({ spec = {}, name = 'segment', withoutImage = false } = {}) {
      if (!withoutImage) await self.applyImage()
      const manifest = anEndpoint(namespace, name)
      await kube.create(
        ASYNC_INFERENCE_ENDPOINTS,
        { ...manifest, spec: { ...(manifest.spec as object), ...spec } },
        namespace,
      )
    },
    async nameInCloud(name = 'segment') {
      const { uid = '' } = (await get(name)).metadata
      return endpointName({ namespace, name, uid })
    },
    async patch(patch, name = 'segment') {
      await kube.mergePatch(ASYNC_INFERENCE_ENDPOINTS, { namespace, name }, patch)
    },
    annotate: (annotations, name) => self.patch({ metadata: { annotations } }, name),
    async remove(name = 'segment') {
      await kube.delete(ASYNC_INFERENCE_ENDPOINTS, { namespace, name })
    },
    async calls() {
      const text = await (await fetch(`${self.operator.address}/metrics`)).text()
      const counts: Record<string, number> = {}
      for (const [, operation = '', count] of text.matchAll(
        /^mooring_aws_requests_total\{service="[^"]*",operation="([^"]*)",code="[^"]*"\} (\d+)/gm,
      ))
        counts[operation] = (counts[operation] ?? 0) + Number(count)
      return counts
    },
    async events() {
      const { items } = await kube.list<never>(
        { group: 'events.k8s.io', version: 'v1', plural: 'events', kind: 'Event', namespaced: true },
        { namespace },
      )
      return items
    },
  }
  return self
}

function withImage(manifest: ReturnType<typeof aModelImage>, image: string | undefined) {
  return image ? { ...manifest, spec: { image } } : manifest
}

export function conditionOf(
  object: { status?: { conditions?: Condition[] | undefined } },
  type: string,
): Condition | undefined {
  return object.status?.conditions?.find((condition) => condition.type === type)
}

/** Whether the condition is True for the object's current generation. */
export function isTrue(
  object: { metadata: { generation?: number }; status?: { conditions?: Condition[] | undefined } },
  type: string,
): boolean {
  const condition = conditionOf(object, type)
  return condition?.status === 'True' && condition.observedGeneration === object.metadata.generation
}

export type CloudState = {
  sagemaker: {
    models: { ModelName: string; Tags: { Key: string; Value: string }[] }[]
    endpointConfigs: { EndpointConfigName: string }[]
    endpoints: { EndpointName: string; EndpointStatus: string; EndpointConfigName: string; CreationTime: string }[]
  }
  'application-autoscaling': { scalableTargets: { resourceId: string }[]; scalingPolicies: { name: string }[] }
  monitoring: { alarms: { name: string }[] }
}

/** The endpoint as the cloud has it. */
export function endpointIn(cloud: LocalCloud, name: string) {
  const { sagemaker } = cloud.state() as unknown as CloudState
  return sagemaker.endpoints.find(({ EndpointName }) => EndpointName === name)
}

/** The names of everything in the cloud that begins with the endpoint's name, or the namespace's. */
export function namesIn(cloud: LocalCloud, prefix: string): string[] {
  const state = cloud.state() as unknown as CloudState
  return [
    ...state.sagemaker.endpoints.map(({ EndpointName }) => EndpointName),
    ...state.sagemaker.endpointConfigs.map(({ EndpointConfigName }) => EndpointConfigName),
    ...state.sagemaker.models.map(({ ModelName }) => ModelName),
    ...state['application-autoscaling'].scalableTargets.map(({ resourceId }) => resourceId.replace('endpoint/', '')),
    ...state['application-autoscaling'].scalingPolicies.map(({ name }) => name),
    ...state.monitoring.alarms.map(({ name }) => name),
  ].filter((name) => name.includes(prefix))
}
