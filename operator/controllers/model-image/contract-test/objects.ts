import type { KubeObject, ResourceType } from '../../../kube/types.ts'

export const JOBS: ResourceType = { group: 'batch', version: 'v1', plural: 'jobs', kind: 'Job', namespaced: true }
export const PODS: ResourceType = { group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true }
export const NETWORK_POLICIES: ResourceType = {
  group: 'networking.k8s.io',
  version: 'v1',
  plural: 'networkpolicies',
  kind: 'NetworkPolicy',
  namespaced: true,
}

/** Of a condition of a Job or a Pod. */
export type ObjectCondition = {
  type: string
  status: string
  reason?: string
  message?: string
  lastTransitionTime?: string
}

export type Job = KubeObject<{ template: { spec: { initContainers?: { restartPolicy?: string }[] } } }, JobStatus>
type JobStatus = { conditions?: ObjectCondition[]; active?: number; failed?: number; succeeded?: number }

/** https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#PodStatus, as far as it is read here. */
export type Pod = KubeObject<unknown, PodStatus>
export type PodStatus = {
  phase?: string
  reason?: string
  message?: string
  conditions?: ObjectCondition[]
  initContainerStatuses?: ContainerStatus[]
  containerStatuses?: ContainerStatus[]
}
export type ContainerStatus = {
  name: string
  restartCount: number
  state?: ContainerState
  lastState?: ContainerState
}
export type ContainerState = {
  waiting?: { reason?: string; message?: string }
  running?: { startedAt?: string }
  terminated?: Terminated
}
export type Terminated = {
  exitCode: number
  reason?: string
  message?: string
  startedAt?: string
  finishedAt?: string
}
