import type { ContractTest } from '../../../api/contract-test.ts'
import { earlyEnd, terminatePhase } from '../../../images/contract/container-end.ts'
import {
  type ContractResult,
  type ContractVerdict,
  cut,
  decodeResult,
  type Phase,
  resultOf,
} from '../../../images/contract/result.ts'
import { MODEL, PROBE } from './desired-job.ts'
import type { ContainerStatus, Job, ObjectCondition, Pod, Terminated } from './objects.ts'

/** What is seen of a test that was begun. */
export type Judgement =
  | { kind: 'under way'; state: 'Pending' | 'Running'; message: string }
  /** The infrastructure failed; nothing is known of the image. */
  | { kind: 'again'; message: string }
  | { kind: 'decided'; verdict: ContractVerdict; message: string; phases: Phase[]; log?: Log }

/** Which log to read, and what the kubelet kept of it in case it cannot be read. */
export type Log = { previous: boolean; kept: string }

/** From here on a Pod that nobody takes says so: a new node, or a cache, takes some seconds. */
const PATIENCE_MS = 60_000
/** A registry may have a bad moment; the kubelet tries again meanwhile. */
const PULL_PATIENCE_MS = 180_000
/** For the probe to end by itself, beyond its own limits. */
const PROBE_SLACK_MS = 120_000

/** The kubelet's words for a Pod that it gave up for reasons of the node. */
const NODE_REASONS =
  /^(Evicted|NodeLost|Shutdown|NodeShutdown|Terminated|Preempting|UnexpectedAdmissionError|NodeAffinity|OutOf\w+)$/
const PULL_REASONS = [
  'ErrImagePull',
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'RegistryUnavailable',
  'ImageInspectError',
  'InvalidImageName',
]
/** What no repetition mends. */
const DENIED = /not found|unauthorized|forbidden|denied|no basic auth|NotFound|no match for platform|InvalidImageName/i

/**
 * What a Job and its Pod tell of the test.
 * @param sinceStartMs since the attempt was begun
 */
export function judge(job: Job, pod: Pod | undefined, test: ContractTest, sinceStartMs: number): Judgement {
  const late = sinceStartMs > test.startTimeoutSeconds * 1000
  if (!pod) return withoutPod(job, late, sinceStartMs)
  const disrupted = disruption(pod)
  if (disrupted) return { kind: 'again', message: disrupted }
  const model = statusOf(pod.status?.initContainerStatuses, MODEL)
  const probe = statusOf(pod.status?.containerStatuses, PROBE)
  const result = decodeResult(probe?.state?.terminated?.message)

  const ended = endedEarly(model, probe)
  if (ended) {
    const { terminated, previous } = ended
    const phases = [...before(pod, model), ...(result?.phases ?? []), earlyEnd(terminated, terminated.message)]
    // Why it ended counts before what the probe then missed.
    return {
      kind: 'decided',
      verdict: 'Failed',
      message: phases.at(-1)?.message ?? '',
      phases,
      log: { previous, kept: terminated.message ?? '' },
    }
  }
  if (probe?.state?.terminated) return afterProbe(pod, model, probe.state.terminated, result, test)
  if (probe?.state?.running) {
    const limit = (test.startTimeoutSeconds + test.timeoutSeconds) * 1000 + PROBE_SLACK_MS
    if (sinceStartMs > limit) return { kind: 'again', message: 'The probe did not end in its time.' }
    return { kind: 'under way', state: 'Running', message: 'The image is being tested.' }
  }
  return starting(pod, model, probe, sinceStartMs, late)
}

function withoutPod(job: Job, late: boolean, sinceStartMs: number): Judgement {
  const failed = conditionOf(job.status?.conditions, 'Failed')
  if (failed)
    return { kind: 'again', message: `The Job failed and its Pod is gone: ${failed.message ?? failed.reason}` }
  const message = `No Pod appears for the Job ${job.metadata.name}: a quota, or Pod Security, may refuse it (podSecurity: Restricted); kubectl describe job says why.`
  if (late) return { kind: 'decided', verdict: 'Error', message: cut(message), phases: [] }
  return {
    kind: 'under way',
    state: 'Pending',
    message: sinceStartMs > PATIENCE_MS ? cut(message) : 'The Job is made.',
  }
}

function disruption({ status, metadata }: Pod): string | undefined {
  const target = conditionOf(status?.conditions, 'DisruptionTarget')
  if (target) return `The Pod was disrupted (${target.reason ?? 'DisruptionTarget'}).`
  if (status?.reason && NODE_REASONS.test(status.reason)) return `The node gave the Pod up (${status.reason}).`
  if (metadata.deletionTimestamp && !statusOf(status?.containerStatuses, PROBE)?.state?.terminated)
    return 'The Pod was deleted.'
  return undefined
}

/** The container under test ended, or was restarted, before the probe had done. */
function endedEarly(
  model: ContainerStatus | undefined,
  probe: ContainerStatus | undefined,
): { terminated: Terminated; previous: boolean } | undefined {
  const earlier = model?.lastState?.terminated
  if (earlier) return { terminated: earlier, previous: true }
  const terminated = model?.state?.terminated
  if (!terminated) return undefined
  const end = probe?.state?.terminated
  // Whole seconds: within the same one, the kubelet may have asked it to.
  const unasked = !end || milliseconds(terminated.finishedAt) < milliseconds(end.finishedAt)
  return unasked ? { terminated, previous: false } : undefined
}

function afterProbe(
  pod: Pod,
  model: ContainerStatus | undefined,
  end: Terminated,
  result: ContractResult | undefined,
  { terminationSeconds }: ContractTest,
): Judgement {
  if (!result)
    return {
      kind: 'again',
      message: cut(`The probe ended with code ${end.exitCode} and no result: ${end.reason ?? ''}`),
    }
  const stopped = model?.state?.terminated
  if (!stopped) return { kind: 'under way', state: 'Running', message: 'The container was asked to stop, by SIGTERM.' }
  const took = Math.max(0, milliseconds(stopped.finishedAt) - milliseconds(end.finishedAt))
  const whole = resultOf([...before(pod, model), ...result.phases, terminatePhase(stopped, took, terminationSeconds)])
  return { kind: 'decided', ...whole, log: { previous: false, kept: stopped.message ?? '' } }
}

/** Before the probe runs: a node is looked for, images are pulled, containers are made. */
function starting(
  pod: Pod,
  model: ContainerStatus | undefined,
  probe: ContainerStatus | undefined,
  sinceStartMs: number,
  late: boolean,
): Judgement {
  const unscheduled = pod.status?.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False')
  if (unscheduled) {
    const message = cut(
      `No node takes the Pod: change resources, nodeSelector, tolerations or runtimeClassName of spec.contractTest, or add a node. The scheduler says: ${unscheduled.message ?? unscheduled.reason}`,
    )
    if (late) return { kind: 'decided', verdict: 'Error', message, phases: [] }
    return {
      kind: 'under way',
      state: 'Pending',
      message: sinceStartMs > PATIENCE_MS ? message : 'A node is being looked for.',
    }
  }
  const { reason = '', message = '' } = model?.state?.waiting ?? {}
  if (PULL_REASONS.includes(reason))
    return pulling(
      'The image cannot be pulled: let the nodes pull it, or name a Secret in spec.imagePullSecrets.',
      reason,
      message,
    )
  if (reason === 'CreateContainerConfigError' && /run as root|runAsNonRoot|non-numeric user/i.test(message)) {
    const remedy =
      'The image runs as root, or as a user without a number, and podSecurity is Restricted: set USER to a number other than 0 in the image, or podSecurity to Baseline.'
    return {
      kind: 'decided',
      verdict: 'Failed',
      message: remedy,
      phases: [{ name: 'run', verdict: 'Fail', message: remedy }],
    }
  }
  if (/Error$/.test(reason) && (late || sinceStartMs > PULL_PATIENCE_MS))
    return {
      kind: 'decided',
      verdict: 'Error',
      message: cut(`The container cannot be made (${reason}): ${message}`),
      phases: [],
    }
  const own = probe?.state?.waiting
  if (own?.reason && PULL_REASONS.includes(own.reason))
    return pulling(
      "The probe's image, Mooring's own, cannot be pulled in this namespace: name a Secret for it in spec.imagePullSecrets, or set the chart value contractTest.image.",
      own.reason,
      own.message ?? '',
    )
  if (late) {
    const slow =
      'The Pod was not started within startTimeoutSeconds: raise it where the image is large, and look at kubectl describe pod.'
    return { kind: 'decided', verdict: 'Error', message: slow, phases: [] }
  }
  return { kind: 'under way', state: 'Pending', message: 'The image is being pulled and started.' }

  function pulling(remedy: string, why: string, said: string): Judgement {
    const text = cut(`${remedy} The node says: ${why} ${said}`)
    if (late || sinceStartMs > PULL_PATIENCE_MS || (why !== 'ErrImagePull' && DENIED.test(`${why} ${said}`)))
      return {
        kind: 'decided',
        verdict: 'Error',
        message: text,
        phases: [{ name: 'pull', verdict: 'Fail', message: text }],
      }
    return { kind: 'under way', state: 'Pending', message: 'The image could not be pulled yet; the node tries again.' }
  }
}

/** How long the way to a running container was, by whole seconds, as the kubelet writes them. */
function before(pod: Pod, model: ContainerStatus | undefined): Phase[] {
  const created = milliseconds(pod.metadata.creationTimestamp)
  const scheduled = milliseconds(conditionOf(pod.status?.conditions, 'PodScheduled')?.lastTransitionTime)
  const first = model?.lastState?.terminated ?? model?.state?.terminated ?? model?.state?.running
  const started = milliseconds(first?.startedAt)
  return [
    ...(scheduled >= created
      ? [{ name: 'schedule', verdict: 'Pass' as const, milliseconds: scheduled - created }]
      : []),
    ...(started >= scheduled ? [{ name: 'pull', verdict: 'Pass' as const, milliseconds: started - scheduled }] : []),
  ]
}

/** Of a condition that is True. */
function conditionOf(conditions: ObjectCondition[] | undefined, type: string): ObjectCondition | undefined {
  return conditions?.find((condition) => condition.type === type && condition.status === 'True')
}

function statusOf(list: ContainerStatus[] | undefined, name: string): ContainerStatus | undefined {
  return list?.find((status) => status.name === name)
}

/** NaN where there is none, with which every comparison fails. */
function milliseconds(time: string | undefined): number {
  return Date.parse(time ?? '')
}
