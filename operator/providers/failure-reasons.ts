import type { Reason } from '../api/reasons.ts'

/** What an error or a FailureReason means for what is done next. */
export type Explanation = {
  /** A CamelCase constant for conditions and events. */
  reason: Reason
  /** A sentence for the user, the remedy first; without request ids or times, so that it stays the same from pass to pass. */
  message: string
  /** Whether only a change by somebody can help; otherwise the same request may succeed later. */
  permanent: boolean
}

/**
 * Explains an endpoint's FailureReason. Unknown reasons count as transient: a bounded number of new attempts costs less than an
 * endpoint that stays down for a cause that would have passed.
 */
export function explainFailureReason(failureReason: string | undefined): Explanation {
  const text = failureReason?.trim()
  if (!text) return transient('Failed', "SageMaker gave no reason. Look at the container's log.")
  return explainText(text) ?? transient('Failed', `Look at the container's log. SageMaker says: ${sentence(text)}`)
}

type Known = { pattern: RegExp; reason: Reason; permanent: boolean; remedy: string }

/**
 * In order: the first that matches is taken. FailureReasons and the synchronous refusals of CreateModel share their wording.
 * A container that does not start or answer is transient although its image may be at fault: it may also have been a slow node.
 */
const KNOWN: readonly Known[] = [
  {
    pattern: /InsufficientInstanceCapacity|CapacityError|Unable to provision requested ML compute capacity/,
    reason: 'InsufficientCapacity',
    permanent: false,
    remedy: 'AWS has no such instance free now; another instance type or region may be quicker.',
  },
  {
    pattern: /account-level service limit|ResourceLimitExceeded/,
    reason: 'QuotaExceeded',
    // Instances elsewhere end, and quotas are raised, without telling us.
    permanent: false,
    remedy: 'Raise the quota in Service Quotas, or choose another instance type.',
  },
  {
    pattern: /did not pass the ping health check/,
    reason: 'PingFailed',
    permanent: false,
    remedy:
      'The container must answer GET /ping on port 8080 within containerStartupHealthCheckTimeoutInSeconds; see its log.',
  },
  {
    pattern: /CannotStartContainerError/,
    reason: 'ContainerCannotStart',
    permanent: true,
    remedy: 'The image must start with `docker run <image> serve`: correct its ENTRYPOINT and push it again.',
  },
  {
    pattern: /does not have BatchGetImage permission|does not grant ecr:/,
    reason: 'ImagePullDenied',
    permanent: true,
    remedy: "Let the execution role, and the repository's policy, pull the image.",
  },
  {
    pattern: /Requested image .* not found|all images included in the model .* exist/,
    reason: 'ImageNotFound',
    permanent: true,
    remedy: 'Push the image, and let the execution role pull it.',
  },
  {
    pattern: /ECR image .* is invalid|Using non-ECR image/,
    reason: 'ImageInvalid',
    permanent: true,
    remedy: 'Use an image in Amazon ECR, by tag or digest.',
  },
  {
    pattern: /sns:Publish/,
    reason: 'TopicDenied',
    permanent: true,
    remedy: 'Let the execution role publish to the topic: sns:Publish.',
  },
  {
    pattern: /Could not access model data|Failed to download model data/,
    reason: 'ModelDataUnavailable',
    permanent: true,
    remedy: 'Put the archive at modelDataUrl, in the same region, and let the execution role read it: s3:GetObject.',
  },
  {
    pattern: /Failed to extract model data/,
    reason: 'ModelDataInvalid',
    permanent: true,
    remedy: 'modelDataUrl must be a .tar.gz without symbolic links.',
  },
  {
    pattern: /Could not assume role|role .* is invalid|trust relationship/,
    reason: 'RoleCannotBeAssumed',
    permanent: true,
    remedy: 'The execution role must exist and trust sagemaker.amazonaws.com.',
  },
  {
    // AWS's wording is not known; the member's name is in every refusal of a member.
    pattern: /instance ?pools/i,
    reason: 'InstancePoolsRefused',
    permanent: true,
    remedy: 'Set spec.instance.fallback.mode to InOrder: SageMaker takes no instance pools here.',
  },
  {
    pattern: /One or more endpoint features are not supported/,
    reason: 'NotSupported',
    permanent: true,
    remedy: 'This region does not offer asynchronous inference with this configuration.',
  },
  {
    pattern: /^Request to service failed/,
    reason: 'ServiceFailure',
    permanent: false,
    remedy: 'A failure inside AWS, or an image built for another processor architecture.',
  },
]

/** Explains a text of SageMaker's, where it is known. */
export function explainText(text: string): Explanation | undefined {
  const known = KNOWN.find(({ pattern }) => pattern.test(text))
  if (!known) return undefined
  // The remedy first: conditions are cut at 300 characters, and AWS's texts are long.
  const message = `${known.remedy} SageMaker says: ${sentence(text)}`
  return { reason: known.reason, message, permanent: known.permanent }
}

export const transient = (reason: Reason, message: string): Explanation => ({ reason, message, permanent: false })
export const permanent = (reason: Reason, message: string): Explanation => ({ reason, message, permanent: true })

/** Ends in one full stop and carries no request id, which would make every pass a change. */
export function sentence(text: string): string {
  const plain = text.replace(/\s*\(?request ?id:? ?[0-9a-f-]{36}\)?/gi, '').trim()
  return /[.!?]$/.test(plain) ? plain : `${plain}.`
}
