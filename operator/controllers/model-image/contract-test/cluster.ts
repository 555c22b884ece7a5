import type { ModelImage } from '../../../api/model-image.ts'
import type { KubeClient } from '../../../kube/client.ts'
import { isConflict, isNotFound, KubeError } from '../../../kube/errors.ts'
import type { KubeObject, ResourceType } from '../../../kube/types.ts'
import { desiredJob, desiredNetworkPolicy, MODEL, TEST_LABEL } from './desired-job.ts'
import { JOBS, type Job, NETWORK_POLICIES, PODS, type Pod } from './objects.ts'
import { type Plan, testName } from './plan.ts'

/** What the log of a container that never ends its lines may cost. */
const MAX_LOG_BYTES = 1_048_576
/** More than are kept: empty ones are dropped. */
const LOG_LINES = 200
/** Of an attempt there is one Pod, or two for a moment. */
const MAX_PODS = 10

/** An object of that name has another owner. */
export class NotOurs extends Error {
  constructor(kind: string, name: string) {
    super(`A ${kind} ${name} is there and not of this object: delete it, or rename the ModelImage.`)
    this.name = 'NotOurs'
  }
}

export type Seen = { job: Job; pod: Pod | undefined }

/** The objects of one ModelImage's tests in the cluster. Each method does at most one act. */
export type Objects = {
  /** Makes what is missing, one object a call, and answers undefined until all is there. @throws NotOurs, KubeError */
  observe(plan: Plan): Promise<Seen | undefined>
  /** Deletes what is left of the attempt. Answers whether there was something. */
  cleanUp(jobName: string): Promise<boolean>
  deleteJob(name: string): Promise<void>
  log(pod: string, previous: boolean): Promise<string>
}

export function testObjects(kube: KubeClient, { metadata }: Pick<ModelImage, 'metadata'>): Objects {
  const { namespace = '', uid = '' } = metadata

  async function find<T extends KubeObject>(resource: ResourceType, name: string): Promise<T | undefined> {
    try {
      return await kube.get<T>(resource, { namespace, name })
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  const isOurs = (object: KubeObject) => object.metadata.ownerReferences?.some((owner) => owner.uid === uid) ?? false

  async function ensure<T extends KubeObject>(
    resource: ResourceType,
    desired: { metadata: { name: string } },
  ): Promise<T | undefined> {
    const { name } = desired.metadata
    const found = await find<T>(resource, name)
    if (found && !isOurs(found)) throw new NotOurs(resource.kind, name)
    if (found) return found
    try {
      await kube.create(resource, desired, namespace)
    } catch (error) {
      // Made by a pass whose answer was lost: the next one finds it.
      if (!isConflict(error)) throw error
    }
    return undefined
  }

  async function remove(resource: ResourceType, name: string): Promise<boolean> {
    try {
      const found = await find(resource, name)
      if (!found || !isOurs(found) || found.metadata.deletionTimestamp) return false
      await kube.delete(resource, { namespace, name }, { propagationPolicy: 'Background', uid: found.metadata.uid })
    } catch (error) {
      // Contract tests were turned off meanwhile: the Job has a time to live, and all of it goes with the ModelImage.
      if (error instanceof KubeError && error.code === 403) return false
      if (!isNotFound(error) && !isConflict(error)) throw error
    }
    return true
  }

  return {
    async observe(plan) {
      const policy = desiredNetworkPolicy(plan)
      if (policy && !(await ensure(NETWORK_POLICIES, policy))) return undefined
      const job = await ensure<Job>(JOBS, desiredJob(plan))
      if (!job) return undefined
      const labelSelector = `${TEST_LABEL}=${testName(plan)},batch.kubernetes.io/job-name=${job.metadata.name}`
      const { items } = await kube.list<Pod>(PODS, { namespace, labelSelector, limit: MAX_PODS })
      return { job, pod: items.toSorted(byAge).at(-1) }
    },
    async cleanUp(jobName) {
      return (await remove(JOBS, jobName)) || (await remove(NETWORK_POLICIES, jobName.replace(/-\d+$/, '')))
    },
    async deleteJob(name) {
      await remove(JOBS, name)
    },
    log: (pod, previous) =>
      kube.podLog(
        { namespace, name: pod },
        { container: MODEL, previous, tailLines: LOG_LINES, limitBytes: MAX_LOG_BYTES },
      ),
  }
}

function byAge(a: Pod, b: Pod): number {
  return (a.metadata.creationTimestamp ?? '') < (b.metadata.creationTimestamp ?? '') ? -1 : 1
}
