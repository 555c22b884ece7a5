import { randomBytes } from 'node:crypto'
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts'
import type { AsyncInferenceEndpoint } from '../../operator/api/async-inference-endpoint.ts'
import { ASYNC_INFERENCE_ENDPOINTS, MODEL_IMAGES } from '../../operator/api/names.ts'
import { endpointName } from '../../operator/controllers/endpoint/names.ts'
import type { KubeClient } from '../../operator/kube/client.ts'
import { isNotFound } from '../../operator/kube/errors.ts'
import { aModelImage } from '../operator/api/manifests.ts'
import { type JumpingClock, jumpingClock } from './clock.ts'
import { type ObjectName, type Sequence, seeded } from './commands.ts'
import { containers } from './containers.ts'
import { type History, history } from './history.ts'
import { type Operators, operators } from './operators.ts'
import { type Stranger, stranger } from './stranger.ts'
import { REGION, tag, view } from './view.ts'

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
  /**
   * Whether it may go without being finalized: its finalizer was taken off by hand, or was not there when it was deleted. The API server
   * decides by what it has read, and deletes at once although the finalizer is added in the same moment.
   */
  stripped: boolean
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
  | 'may be asleep'
  | 'may be bad'
  | 'answers may be stale'
  | 'time may run out'
  | 'revision may be missing'

export type World = {
  cloud: LocalCloud
  clock: JumpingClock
  kube: KubeClient
  namespace: string
  stranger: Stranger
  operators: Operators
  history: History
  subjects: Subject[]
  /** What was done to all of them, those to come too. */
  facts: Set<Fact>
  /** What must never be, as soon as it was. */
  violations: string[]
  /** Requests to AWS by all operators so far, and by operation. */
  calls: { total: number; by: Map<string, number> }
  /** The tag that the ModelImage names, and those that are in the registry. */
  image: { tag: string; pushed: Set<string> }
  /** The newest of that name, deleted or not. */
  subject(name: ObjectName): Subject | undefined
  object(name: ObjectName): Promise<AsyncInferenceEndpoint | undefined>
  end(): Promise<void>
}

/** A namespace, a cloud and an operator of a sequence's own; two operators that elect a leader where `pair` says so. */
export async function startWorld(kube: KubeClient, { noise, pair }: Pick<Sequence, 'noise' | 'pair'>): Promise<World> {
  const random = seeded(noise)
  const clock = jumpingClock()
  const log = history()
  const namespace = `life-${randomBytes(4).toString('hex')}`
  const violations: string[] = []
  const cloud = await startLocalCloud({
    clock,
    random,
    images: [
      { repository: 'sam-lite', tag: '1', command: [], port: await containers.good },
      { repository: 'sam-lite', tag: '2', command: [], port: await containers.good, labels: { version: '2' } },
      { repository: 'sam-lite', tag: 'bad', command: [], port: await containers.bad },
    ],
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
  const calls: World['calls'] = { total: 0, by: new Map() }
  const other = stranger(cloud)
  const crew = operators({
    kube,
    cloud,
    clock,
    random,
    namespace,
    pair,
    history: log,
    violations,
    onCall(operation) {
      calls.total++
      calls.by.set(operation, (calls.by.get(operation) ?? 0) + 1)
      const uids = view(cloud).endpoints.flatMap((endpoint) => tag(endpoint, 'mooring.dev/uid') ?? [])
      for (const uid of uids.filter((each, index) => uids.indexOf(each) !== index))
        violations.push(`the object ${uid} has more than one endpoint`)
    },
  })
  const self: World = {
    cloud,
    clock,
    kube,
    namespace,
    stranger: other,
    operators: crew,
    history: log,
    subjects: [],
    facts: new Set(),
    violations,
    calls,
    image: { tag: '1', pushed: new Set(['1', '2', 'bad']) },
    subject: (name) => self.subjects.findLast((each) => each.name === name),
    object: (name) =>
      kube.get<AsyncInferenceEndpoint>(ASYNC_INFERENCE_ENDPOINTS, { namespace, name }).catch((error: unknown) => {
        if (isNotFound(error)) return undefined
        throw error
      }),
    async end() {
      await crew.end()
      other.close()
      await cloud.stop()
    },
  }

  await kube.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  await other.settleIn(namespace)
  const manifest = aModelImage(namespace)
  await kube.create(MODEL_IMAGES, { ...manifest, spec: { image: imageReference('1') } }, namespace)
  crew.start()
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
    stripped: false,
    facts: new Set(),
  }
}
