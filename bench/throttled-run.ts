import { setTimeout as delay } from 'node:timers/promises'
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node'
import { pino } from 'pino'
import { startLocalCloud } from '../local/cloud.ts'
import type { ControlPlane } from '../local/control-plane/control-plane.ts'
import { ASYNC_INFERENCE_ENDPOINTS, MODEL_IMAGES } from '../operator/api/names.ts'
import { type Config, readConfig } from '../operator/config.ts'
import { connect, type KubeClient } from '../operator/kube/client.ts'
import type { KubeObject } from '../operator/kube/types.ts'
import { startOperator } from '../operator/operator.ts'
import { DEFAULT_RATES, FAMILIES, type Rates } from '../operator/providers/rate-limits.ts'

export type ThrottledOptions = {
  plane: ControlPlane
  /** How many objects in each namespace. */
  sizes: Record<string, number>
  /** Calls a second that the cloud answers, of all services together. */
  perSecond: number
  /** By how much time is compressed: production's intervals are divided by it, its client-side rates multiplied. */
  factor: number
  limitMs: number
  note: (text: string) => void
}

export type Throttled = {
  /** From the first object sent until the last of each namespace was Ready, in seconds. */
  readyAfter: Record<string, number>
  /** How many endpoints of other namespaces were created while one of the namespace that was applied already was not: turns it waited. */
  passedBy: Record<string, number>
  calls: number
  throttled: number
}

type Seen = KubeObject<unknown, { conditions?: { type: string; status: string }[] }>
const INSTANT = { creating: 0, updating: 0, deleting: 0, instanceStart: 0, metricPeriod: 3_600_000 }
/** A list of a thousand objects takes the API server its time too. */
const lookMs = (objects: number) => Math.max(250, 2 * objects)

/** An operator and a cloud that throttles, in this process; ends when every object was Ready. */
export async function throttled(options: ThrottledOptions): Promise<Throttled> {
  const { plane, sizes, perSecond, factor, limitMs, note } = options
  const image = { repository: 'bench', tag: '1', command: [] }
  const cloud = await startLocalCloud({ images: [image], delays: INSTANT })
  Object.assign(process.env, cloud.environment)
  await fetch(`${cloud.url}/bench`, { method: 'PUT' })
  cloud.resetCalls()
  cloud.setRateLimits([{ calls: '*', perSecond, burst: Math.max(1, Math.floor(perSecond)) }])
  const kube = connect({ kubeconfigPath: plane.kubeconfigPath })
  const operator = await startOperator({
    config: compressed(factor),
    kube,
    log: pino({ level: process.env.TEST_LOG_LEVEL ?? 'silent' }),
    onFatal(reason) {
      throw new Error(reason)
    },
  })
  try {
    const started = Date.now()
    const appliedAt: Record<string, number> = {}
    const total = Object.values(sizes).reduce((sum, size) => sum + size, 0)
    // One after the other, the largest namespace first: whoever came first must not be first for that.
    for (const [namespace, size] of Object.entries(sizes).sort(([, a], [, b]) => b - a))
      appliedAt[namespace] = await apply(kube, plane, namespace, size)
    const readyAfter: Record<string, number> = {}
    while (Object.keys(readyAfter).length < Object.keys(sizes).length) {
      if (Date.now() - started > limitMs) throw new Error(`not within ${limitMs} ms: ${JSON.stringify(readyAfter)}`)
      await delay(lookMs(total))
      const items = await all(kube)
      if (!items) continue
      const ready = items.filter(isReady)
      for (const [namespace, size] of Object.entries(sizes))
        if (ready.filter(({ metadata }) => metadata.namespace === namespace).length === size)
          readyAfter[namespace] ??= (Date.now() - started) / 1000
      note(`${Math.floor((10 * ready.length) / items.length) * 10} % of ${items.length} Ready`)
    }
    const calls = cloud.calls()
    return {
      readyAfter,
      passedBy: passedBy(cloud.state(), appliedAt),
      calls: calls.length,
      throttled: calls.filter(({ code }) => ['ThrottlingException', '400'].includes(code)).length,
    }
  } finally {
    await operator.stop()
    await cloud.stop()
  }
}

function passedBy(state: unknown, appliedAt: Record<string, number>): Record<string, number> {
  const { endpoints } = (
    state as { sagemaker: { endpoints: { CreationTime: string; Tags: { Key: string; Value: string }[] }[] } }
  ).sagemaker
  const made = endpoints.map(({ CreationTime, Tags }) => ({
    at: Date.parse(CreationTime),
    namespace: Tags.find(({ Key }) => Key === 'mooring.dev/namespace')?.Value,
  }))
  return Object.fromEntries(
    Object.entries(appliedAt).map(([namespace, from]) => {
      const last = Math.max(...made.filter((each) => each.namespace === namespace).map(({ at }) => at))
      return [namespace, made.filter((each) => each.namespace !== namespace && each.at > from && each.at < last).length]
    }),
  )
}

function compressed(factor: number): Config {
  const config = readConfig({ ...process.env, MOORING_HTTP_ADDRESS: '127.0.0.1', MOORING_HTTP_PORT: '0' })
  const { inFlight, settled, deleting, verify } = config.intervals
  return {
    ...config,
    awsRates: Object.fromEntries(FAMILIES.map((family) => [family, DEFAULT_RATES[family] * factor])) as Rates,
    intervals: {
      inFlight: inFlight / factor,
      settled: settled / factor,
      deleting: deleting / factor,
      verify: verify / factor,
    },
    orphans: { ...config.orphans, mode: 'off' },
  }
}

/** Answers when all of it was sent, in ms since the epoch. */
async function apply(kube: KubeClient, plane: ControlPlane, namespace: string, size: number): Promise<number> {
  const kubeconfig = new KubeConfig()
  kubeconfig.loadFromFile(plane.kubeconfigPath)
  await kubeconfig.makeApiClient(CoreV1Api).createNamespace({ body: { metadata: { name: namespace } } })
  const common = { apiVersion: 'mooring.dev/v1alpha1' }
  const spec = { image: '123456789012.dkr.ecr.us-east-1.amazonaws.com/bench:1', resolveIntervalSeconds: 86_400 }
  await kube.create(
    MODEL_IMAGES,
    { ...common, kind: 'ModelImage', metadata: { name: 'bench', namespace }, spec },
    namespace,
  )
  for (let index = 0; index < size; index++)
    await kube.create(
      ASYNC_INFERENCE_ENDPOINTS,
      {
        ...common,
        kind: 'AsyncInferenceEndpoint',
        metadata: { name: `bench-${index}`, namespace },
        spec: {
          region: 'us-east-1',
          executionRoleArn: 'arn:aws:iam::123456789012:role/execution',
          imageRef: { name: 'bench' },
          instance: { type: 'ml.g5.2xlarge' },
          async: { output: { s3OutputPath: 's3://bench/output/' } },
          scaling: { minInstances: 0, maxInstances: 3 },
        },
      },
      namespace,
    )
  return Date.now()
}

/** Undefined where the busy API server did not answer in time. */
async function all(kube: KubeClient): Promise<Seen[] | undefined> {
  try {
    return (await kube.list<Seen>(ASYNC_INFERENCE_ENDPOINTS, {})).items
  } catch (error) {
    if (error instanceof DOMException && error.name === 'TimeoutError') return undefined
    throw error
  }
}

function isReady({ status }: Seen): boolean {
  return status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false
}
