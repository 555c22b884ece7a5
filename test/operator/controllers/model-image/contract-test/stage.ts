import type { ContractTestInput } from '../../../../../operator/api/contract-test.ts'
import type { ModelImage } from '../../../../../operator/api/model-image.ts'
import { MODEL_IMAGES } from '../../../../../operator/api/names.ts'
import type { ContractTestAnswer } from '../../../../../operator/controllers/model-image/contract-test/answer.ts'
import {
  JOBS,
  type Job,
  NETWORK_POLICIES,
  PODS,
  type PodStatus,
} from '../../../../../operator/controllers/model-image/contract-test/objects.ts'
import type { ContractTestConfig } from '../../../../../operator/controllers/model-image/contract-test/plan.ts'
import { contractTestStep } from '../../../../../operator/controllers/model-image/contract-test/step.ts'
import { encodeResult, type Phase, resultOf } from '../../../../../operator/images/contract/result.ts'
import { connect, type KubeClient } from '../../../../../operator/kube/client.ts'
import { patchStatusIfChanged } from '../../../../../operator/kube/status.ts'
import type { KubeObject } from '../../../../../operator/kube/types.ts'
import { testCluster } from '../../../../kubernetes.ts'
import { aModelImage, withField } from '../../../api/manifests.ts'

export const CONFIG: ContractTestConfig = { image: 'mooring-operator:test', pullPolicy: 'IfNotPresent' }
const NAME = 'sam-lite'
const REPOSITORY = '123456789012.dkr.ecr.us-east-1.amazonaws.com/sam-lite'
export const digest = (letter: string) => `sha256:${letter.repeat(64)}`

export type Stage = {
  namespace: string
  kube: KubeClient
  /** By the operator's clock, in ms. */
  clock: { now: number }
  /** One call of the step, and the write of its status, as the controller does it. */
  pass(options?: PassOptions): Promise<ContractTestAnswer>
  /** Passes until nothing is left to do at once. */
  passes(options?: PassOptions): Promise<ContractTestAnswer>
  object(): Promise<ModelImage>
  patch(patch: object): Promise<void>
  jobs(): Promise<Job[]>
  policies(): Promise<KubeObject[]>
  /** The Job controller and the kubelet, which a bare API server has not: makes the newest Job's Pod, or writes its status. */
  kubelet(status: PodStatus): Promise<void>
  /** Takes the Pod away, as the garbage collector or a node does. */
  removePod(): Promise<void>
}
export type PassOptions = { digest?: string; config?: ContractTestConfig; kube?: KubeClient; withoutStatus?: boolean }

/** The Job controller and the kubelet of a namespace, which a bare API server has not; with one Pod at a time. */
export function kubelet(kube: KubeClient, namespace: string) {
  const key = { namespace, name: 'pod' }
  return {
    /** Writes what a kubelet would of the newest Job's Pod, which it makes first where there is none. */
    async write(status: PodStatus): Promise<void> {
      const { items } = await kube.list<Job>(JOBS, { namespace })
      const job = items.at(-1)
      if (!job) throw new Error('there is no Job to make a Pod of')
      const { template } = job.spec as unknown as {
        template: { metadata: { labels: object; annotations: object }; spec: object }
      }
      if ((await kube.list(PODS, { namespace })).items.length === 0) {
        const labels = { ...template.metadata.labels, 'batch.kubernetes.io/job-name': job.metadata.name }
        const metadata = { ...template.metadata, name: key.name, labels }
        await kube.create(PODS, { apiVersion: 'v1', kind: 'Pod', metadata, spec: template.spec }, namespace)
      }
      await kube.patchStatus(PODS, key, { status })
    },
    /** Takes the Pod away, as the garbage collector does after its Job. */
    remove: () => kube.delete(PODS, key),
  }
}

/** A ModelImage in a namespace of its own on the real API server. */
export async function stage(contractTest: ContractTestInput | undefined = {}): Promise<Stage> {
  const cluster = testCluster()
  const namespace = await cluster.namespace('contract')
  const kube = connect({ kubeconfigPath: cluster.kubeconfigPath })
  const outcome = await cluster.create(withField(aModelImage(namespace, NAME), 'spec.contractTest', contractTest))
  if ('refused' in outcome) throw new Error(outcome.refused)
  // Status knows whole seconds only.
  const clock = { now: Math.floor(Date.now() / 1000) * 1000 }
  const key = { namespace, name: NAME }
  const node = kubelet(kube, namespace)

  const self: Stage = {
    namespace,
    kube,
    clock,
    object: () => kube.get<ModelImage>(MODEL_IMAGES, key),
    async pass({ digest: wanted = digest('a'), config = CONFIG, kube: client = kube, withoutStatus = false } = {}) {
      const object = await self.object()
      const before = structuredClone(object.status ?? {})
      const answer = await contractTestStep({
        kube: client,
        object,
        image: { reference: `${REPOSITORY}@${wanted}`, digest: wanted, architecture: 'amd64' },
        imagePullSecrets: ['registry'],
        config,
        now: new Date(clock.now),
      })
      object.status = { ...object.status }
      if (answer.status) object.status.contractTest = answer.status
      else delete object.status.contractTest
      if (!withoutStatus) await patchStatusIfChanged(kube, MODEL_IMAGES, before, object)
      return answer
    },
    async passes(options) {
      for (let count = 0; count < 12; count++) {
        const answer = await self.pass(options)
        if (answer.after !== 0) return answer
      }
      throw new Error('there is always something left to do')
    },
    async patch(patch) {
      await kube.mergePatch(MODEL_IMAGES, key, patch)
    },
    jobs: async () =>
      (await kube.list<Job>(JOBS, { namespace })).items.filter((job) => !job.metadata.deletionTimestamp),
    policies: async () => (await kube.list(NETWORK_POLICIES, { namespace })).items,
    kubelet: node.write,
    removePod: node.remove,
  }
  return self
}

const time = (second: number) => new Date(Date.UTC(2026, 10, 3, 0, 0, second)).toISOString().replace('.000', '')
const scheduled = { type: 'PodScheduled', status: 'True', lastTransitionTime: time(1) }
const container = (name: string, state: object, more: object = {}) => ({
  name,
  image: name,
  imageID: '',
  ready: false,
  restartCount: 0,
  state,
  lastState: {},
  ...more,
})
const waiting = (reason: string, message = '') => ({ waiting: { reason, message } })
const terminated = (exitCode: number, second: number, more: object = {}) => ({
  terminated: { exitCode, startedAt: time(3), finishedAt: time(second), ...more },
})
const running = { running: { startedAt: time(3) } }

/** What a kubelet writes of a test's Pod, state by state. */
export const POD = {
  unschedulable: {
    phase: 'Pending',
    conditions: [
      {
        type: 'PodScheduled',
        status: 'False',
        reason: 'Unschedulable',
        message: '0/1 nodes are available: 1 Insufficient nvidia.com/gpu.',
      },
    ],
  },
  pulling: (reason: string, message: string, which: 'model' | 'probe' = 'model'): PodStatus => ({
    phase: 'Pending',
    conditions: [scheduled],
    initContainerStatuses: [container('model', which === 'model' ? waiting(reason, message) : running)],
    containerStatuses: [container('probe', which === 'probe' ? waiting(reason, message) : waiting('PodInitializing'))],
  }),
  testing: {
    phase: 'Running',
    conditions: [scheduled],
    initContainerStatuses: [container('model', running)],
    containerStatuses: [container('probe', running)],
  } as PodStatus,
  crashed: (exitCode: number, more: object = {}): PodStatus => ({
    phase: 'Pending',
    conditions: [scheduled],
    initContainerStatuses: [
      container('model', waiting('CrashLoopBackOff'), { restartCount: 1, lastState: terminated(exitCode, 4, more) }),
    ],
    containerStatuses: [container('probe', waiting('PodInitializing'))],
  }),
  /** The probe has ended; the container under test `seconds` later, or not yet. */
  ended: (phases: Phase[], exitCode?: number, seconds = 1): PodStatus => ({
    phase: 'Running',
    conditions: [scheduled],
    initContainerStatuses: [
      container(
        'model',
        exitCode === undefined ? running : terminated(exitCode, 10 + seconds, { message: 'the last line' }),
      ),
    ],
    containerStatuses: [container('probe', terminated(0, 10, { message: encodeResult(resultOf(phases)) }))],
  }),
  withoutResult: {
    phase: 'Running',
    conditions: [scheduled],
    initContainerStatuses: [container('model', running)],
    containerStatuses: [container('probe', terminated(137, 10, { reason: 'OOMKilled' }))],
  } as PodStatus,
  evicted: { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' } as PodStatus,
  preempted: {
    phase: 'Failed',
    conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' }],
  } as PodStatus,
}

export const GOOD: Phase[] = [{ name: 'ping', verdict: 'Pass', milliseconds: 1200 }]
export const WRONG: Phase[] = [
  ...GOOD,
  { name: 'one-cat', verdict: 'Fail', message: 'It answered 500 in place of 200.' },
]
