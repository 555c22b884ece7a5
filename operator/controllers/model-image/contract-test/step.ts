import type { ContractTest, ContractTestStatus } from '../../../api/contract-test.ts'
import type { ModelImage } from '../../../api/model-image.ts'
import { timestamp } from '../../../api/timestamp.ts'
import { type ContractVerdict, cut, type Phase } from '../../../images/contract/result.ts'
import { logTail } from '../../../images/log-tail.ts'
import type { KubeClient } from '../../../kube/client.ts'
import { KubeError } from '../../../kube/errors.ts'
import { type ContractTestAnswer, disabled, earlierOf, known, off, pending, refused, verdictOf } from './answer.ts'
import { type Seen, testObjects } from './cluster.ts'
import { judge, type Log } from './judge.ts'
import { type ContractTestConfig, jobName, type Plan, revisionOf, type TestedImage } from './plan.ts'

export type ContractTestRequest = {
  kube: KubeClient
  /** With its status as it was written last. */
  object: ModelImage
  image: TestedImage
  /** Names of Secrets in the object's namespace. */
  imagePullSecrets: readonly string[]
  config: ContractTestConfig
  now: Date
}

/** How often one test is begun, the first time included. */
const MAX_ATTEMPTS = 3
/** Until a test that could not be run is begun again, by attempt. */
const RETRY_MS = [60_000, 600_000]
/** Each look asks the registry too, whether the tag has moved meanwhile. */
const POLL_MS = 5000
const CLEANING = 'It is decided; its Job is being deleted.'

/**
 * One step of the contract test of one digest: observes, does at most one act in the cluster, and answers how things stand. What it
 * answers as status must be written before the next call: names are computed from it, so that a crash anywhere repeats an act that
 * finds its own result. A verdict is kept by digest and test, and is never asked for twice; it is answered once its Job is gone.
 * @throws KubeError but for refusals that a person must mend, and undici's errors
 */
export async function contractTestStep(request: ContractTestRequest): Promise<ContractTestAnswer> {
  const { kube, object, image, config, now } = request
  const status = structuredClone(object.status?.contractTest)
  const objects = testObjects(kube, object)
  if (!object.spec.contractTest) {
    if (status?.jobName && (await objects.cleanUp(status.jobName))) return off(status)
    return off()
  }
  const test: ContractTest = object.spec.contractTest
  const revision = revisionOf(test, object)
  if (status?.digest !== image.digest || status.revision !== revision) {
    const verdict = known(test, status, image, revision)
    if (verdict) return verdict
    // What runs for another digest, or asks something else, ends first.
    if (status?.jobName && (await objects.cleanUp(status.jobName)))
      return pending(test, status, 0, 'An outdated test is being ended.')
    return begin(status, 1)
  }
  if (status.state === 'Passed' || status.state === 'Failed' || status.state === 'Error') return await decided(status)
  return await underWay(status)

  function begin(before: ContractTestStatus | undefined, attempt: number): ContractTestAnswer {
    if (!config.image) return disabled(test, before)
    const next: ContractTestStatus = {
      image: image.reference,
      digest: image.digest,
      revision,
      state: 'Pending',
      message: 'The test begins.',
      jobName: jobName({ object, image, revision, attempt }),
      attempt,
      startedAt: timestamp(now),
      ...earlierOf(before, image.digest, revision),
    }
    return pending(test, next, 0, next.message)
  }

  async function underWay(current: ContractTestStatus): Promise<ContractTestAnswer> {
    if (!config.image) return disabled(test, current)
    const { attempt } = current
    const { imagePullSecrets } = request
    const plan: Plan = {
      object,
      test,
      image,
      revision,
      attempt,
      probe: { ...config, image: config.image },
      imagePullSecrets,
    }
    let seen: Seen | undefined
    try {
      seen = await objects.observe(plan)
    } catch (error) {
      const refusal = refused(error)
      if (!refusal) throw error
      if (!refusal.mendable) return finish(current, 'Error', refusal.message, [])
      const { message } = refusal
      return {
        ...pending(test, { ...current, message }, RETRY_MS[0] ?? POLL_MS, message),
        reason: 'ContractTestNotRun',
      }
    }
    if (!seen) return pending(test, current, 0, 'The test begins.')
    // An older API server takes the field away without a word, and the container would never be stopped.
    if (seen.job.spec.template.spec.initContainers?.[0]?.restartPolicy !== 'Always')
      return finish(
        current,
        'Error',
        'Contract tests need sidecar containers, which Kubernetes has since 1.29: upgrade the cluster.',
        [],
      )

    const judgement = judge(seen.job, seen.pod, test, now.getTime() - Date.parse(current.startedAt ?? ''))
    if (judgement.kind === 'again') return await again(current, judgement.message)
    if (judgement.kind === 'under way') {
      const { state, message } = judgement
      return pending(test, { ...current, state, message }, POLL_MS, message)
    }
    const tail = judgement.log && seen.pod ? await readLog(seen.pod.metadata.name, judgement.log) : []
    return finish(current, judgement.verdict, judgement.message, judgement.phases, tail)
  }

  /** Nothing is known of the image, and may be at the next attempt. */
  async function again(current: ContractTestStatus, message: string): Promise<ContractTestAnswer> {
    if (current.attempt >= MAX_ATTEMPTS) return finish(current, 'Error', message, [])
    await objects.deleteJob(current.jobName ?? '')
    return begin(current, current.attempt + 1)
  }

  function finish(
    current: ContractTestStatus,
    state: ContractVerdict,
    message: string,
    phases: Phase[],
    logTail: string[] = [],
  ): ContractTestAnswer {
    const retryMs = state === 'Error' ? RETRY_MS[current.attempt - 1] : undefined
    const retry = retryMs ? { retryAfter: timestamp(new Date(now.getTime() + retryMs)) } : {}
    const next = { ...current, state, message: cut(message), finishedAt: timestamp(now), phases, logTail, ...retry }
    return pending(test, next, 0, CLEANING)
  }

  async function decided(current: ContractTestStatus): Promise<ContractTestAnswer> {
    if (current.jobName && (await objects.cleanUp(current.jobName))) return pending(test, current, 0, CLEANING)
    const { jobName: _, ...clean } = current
    const { retryAfter } = clean
    if (retryAfter === undefined) return verdictOf(test, clean)
    const wait = Date.parse(retryAfter) - now.getTime()
    return wait > 0 ? verdictOf(test, clean, wait) : begin(clean, clean.attempt + 1)
  }

  async function readLog(pod: string, { previous, kept }: Log): Promise<string[]> {
    try {
      const output = await objects.log(pod, previous)
      return logTail(output.trim() === '' ? kept : output)
    } catch (error) {
      // The node may be gone with it, or the container collected: the verdict stands without.
      if (!(error instanceof KubeError)) throw error
      return logTail(kept)
    }
  }
}
