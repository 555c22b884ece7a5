import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts'
import type { AsyncInferenceEndpoint } from '../../operator/api/async-inference-endpoint.ts'
import { ASYNC_INFERENCE_ENDPOINTS, MODEL_IMAGES } from '../../operator/api/names.ts'
import { type Config, readConfig } from '../../operator/config.ts'
import { endpointName } from '../../operator/controllers/endpoint/names.ts'
import type { KubeClient } from '../../operator/kube/client.ts'
import { isNotFound } from '../../operator/kube/errors.ts'
import { type Metrics, metrics } from '../../operator/metrics.ts'
import { aModelImage } from '../operator/api/manifests.ts'
import { type JumpingClock, jumpingClock } from './clock.ts'
import { type ObjectName, seeded } from './commands.ts'
import { type History, history } from './history.ts'
import { type CrashPoint, type Incarnation, startIncarnation } from './incarnation.ts'
import { type Stranger, stranger } from './stranger.ts'
import { REGION, tag, view } from './view.ts'

/** Milliseconds. Short, so that a sequence takes seconds. */
export const INTERVALS = { inFlight: 60, settled: 700, deleting: 60, verify: 1_400 }
const DOWN_MS = 100
/** No metrics, no alarms, until the clock has jumped for weeks: near the longest timer there is. */
const NEVER_MS = 24 * 86_400_000
const NAMESPACES = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false }

/** One object of Kubernetes, from its creation to its deletion: a new one under the same name is another. */
export type Subject = {
  name: ObjectName
  uid: string
  /** In SageMaker. */
  endpointName: string
  deleted: boolean
  /** deletionPolicy when it was deleted. */
  retained: boolean
  /** What was done that explains an end other than Ready; see expectations.ts. */
  facts: Set<Fact>
}

export type Fact =
  | 'update may fail'
  | 'rollback may fail'
  | 'may fail'
  | 'may fail for good'
  | 'configuration taken away'
  | 'name may be taken'

export type World = {
  cloud: LocalCloud
  clock: JumpingClock
  kube: KubeClient
  namespace: string
  stranger: Stranger
  history: History
  subjects: Subject[]
  /** What must never be, as soon as it was. */
  violations: string[]
  /** Requests to AWS by all operators so far, and by operation. */
  calls: { total: number; by: Map<string, number> }
  crashes: number
  /** The tag that the ModelImage names, and those that are in the registry. */
  image: { tag: string; pushed: Set<string> }
  /** The newest of that name, deleted or not. */
  subject(name: ObjectName): Subject | undefined
  object(name: ObjectName): Promise<AsyncInferenceEndpoint | undefined>
  crashNow(downMs: number): void
  crashAt(point: CrashPoint): void
  restart(): Promise<void>
  /** Waits until an operator runs: none is down. */
  running(): Promise<void>
  end(): Promise<void>
}

/** The registry of a process: making one starts collectors that never end. */
const shared: Metrics = metrics()

/** A namespace, a cloud and an operator of a sequence's own. */
export async function startWorld(kube: KubeClient, noise: number): Promise<World> {
  const random = seeded(noise)
  const clock = jumpingClock()
  const log = history()
  const namespace = `life-${randomBytes(4).toString('hex')}`
  const cloud = await startLocalCloud({
    clock,
    random,
    images: ['1', '2'].map((tag) => ({ repository: 'sam-lite', tag, command: [] })),
    delays: {
      creating: 0,
      updating: 0,
      deleting: 0,
      instanceStart: 0,
      terminationGrace: 0,
      metricPeriod: NEVER_MS,
    },
    onError: (error, what) => violations.push(`the local cloud failed: ${what}: ${String(error)}`),
  })
  const violations: string[] = []
  const calls: World['calls'] = { total: 0, by: new Map() }
  const other = stranger(cloud)
  const config: Config = {
    ...readConfig({ MOORING_HTTP_ADDRESS: '127.0.0.1', MOORING_HTTP_PORT: '0' }),
    namespace,
    clusterId: namespace,
    intervals: INTERVALS,
    workers: 4,
    customEndpoint: true,
  }

  let serial = 0
  let current: Incarnation | undefined
  let ended = false
  let coming: Promise<void> = Promise.resolve()
  const past: Incarnation[] = []

  const oneEndpointEach = () => {
    const uids = view(cloud).endpoints.flatMap((endpoint) => tag(endpoint, 'mooring.dev/uid') ?? [])
    for (const uid of new Set(uids.filter((each, index) => uids.indexOf(each) !== index)))
      violations.push(`the object ${uid} has more than one endpoint`)
  }
  const start = () => {
    serial++
    const name = `operator ${serial}`
    log.add(name, 'starts')
    current = startIncarnation({
      name,
      config,
      kube,
      cloudUrl: cloud.url,
      metrics: shared,
      history: log,
      now: clock.now,
      random,
      onCall({ service, operation }) {
        calls.total++
        const key = `${service}.${operation}`
        calls.by.set(key, (calls.by.get(key) ?? 0) + 1)
        oneEndpointEach()
      },
      onFatal: (reason) => violations.push(`${name} gave up: ${reason}`),
      onCrash: () => {
        self.crashes++
        comeBack(downMs)
        downMs = DOWN_MS
      },
    })
    past.push(current)
  }
  let downMs = DOWN_MS
  const comeBack = (afterMs: number) => {
    coming = delay(afterMs).then(() => {
      if (!ended) start()
    })
  }

  const self: World = {
    cloud,
    clock,
    kube,
    namespace,
    stranger: other,
    history: log,
    subjects: [],
    violations,
    calls,
    crashes: 0,
    image: { tag: '1', pushed: new Set(['1', '2']) },
    subject: (name) => self.subjects.findLast((each) => each.name === name),
    object: (name) =>
      kube.get<AsyncInferenceEndpoint>(ASYNC_INFERENCE_ENDPOINTS, { namespace, name }).catch((error: unknown) => {
        if (isNotFound(error)) return undefined
        throw error
      }),
    crashNow(milliseconds) {
      downMs = milliseconds
      current?.crash()
    },
    crashAt: (point) => current?.crashAt(point),
    async restart() {
      await coming
      await current?.stop()
      start()
    },
    async running() {
      await coming
      // A crash that is still planned would come in the middle of what is judged.
      current?.crashAt({ calls: Number.POSITIVE_INFINITY, side: 'before' })
    },
    async end() {
      ended = true
      await coming
      current?.crash()
      await Promise.all(past.map((each) => each.buried()))
      other.close()
      await cloud.stop()
    },
  }

  await kube.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  await other.settleIn(namespace)
  const manifest = aModelImage(namespace)
  await kube.create(MODEL_IMAGES, { ...manifest, spec: { image: imageReference('1') } }, namespace)
  start()
  return self
}

export function imageReference(tag: string): string {
  return `123456789012.dkr.ecr.${REGION}.amazonaws.com/sam-lite:${tag}`
}

export function subjectOf(object: AsyncInferenceEndpoint, name: ObjectName): Subject {
  const { namespace = '', uid = '' } = object.metadata
  return {
    name,
    uid,
    endpointName: endpointName({ namespace, name, uid }),
    deleted: false,
    retained: false,
    facts: new Set(),
  }
}
