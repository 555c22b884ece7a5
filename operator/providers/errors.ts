/**
 * The only file that knows what AWS calls its errors. SageMaker has few error codes: most of its control plane's refusals are a
 * ValidationException that only its message tells apart, in the wording below (collected from AWS's documentation, other tools'
 * sources and users' reports). What the messages mean for the user is in failure-reasons.ts.
 */
import { type Explanation, explainText, permanent, sentence, transient } from './failure-reasons.ts'

/** The kinds of SageMaker resources, in the words of its messages. */
export type ResourceKind = 'endpoint' | 'endpoint configuration' | 'model'

const THROTTLES = new Set([
  // Ours, from rate-limits.ts: AWS would have refused.
  'RateLimitError',
  'ThrottlingException',
  'Throttling',
  'TooManyRequestsException',
  'RequestLimitExceeded',
  'SlowDown',
])
const DENIALS = new Set(['AccessDeniedException', 'AccessDenied', 'UnauthorizedOperation', 'Forbidden'])
const VALIDATIONS = new Set(['ValidationException', 'ValidationError', 'InvalidParameterException', 'InvalidParameter'])
const NO_TOPIC = new Set(['NotFound', 'NotFoundException', 'ResourceNotFound', 'ResourceNotFoundException'])
const SIGN_IN = new Set([
  'CredentialsProviderError',
  'UnrecognizedClientException',
  'InvalidClientTokenId',
  'ExpiredTokenException',
  'ExpiredToken',
  'InvalidSignatureException',
  'SignatureDoesNotMatch',
  'TokenRefreshRequired',
])

/**
 * Whether the resource is absent, which SageMaker says by a ValidationException. The quotation mark matters: "Could not find
 * endpoint" also begins the message for an absent endpoint configuration, as UpdateEndpoint answers when the configuration it was
 * given, or the one in use, is gone; taken for the endpoint's own absence, that would make a second one.
 */
export function isNotFound(error: unknown, kind: ResourceKind): boolean {
  return isValidation(error) && messageOf(error).startsWith(`Could not find ${kind} "`)
}

/** Whether the name is taken by a resource of that kind, whatever its state. */
export function isAlreadyExists(error: unknown, kind: ResourceKind): boolean {
  return isValidation(error) && messageOf(error).startsWith(`Cannot create already existing ${kind} "`)
}

/** Whether it is being changed by somebody, autoscaling included: normal, to be asked again. A refused delete says "update" too. */
export function isInProgress(error: unknown): boolean {
  return (
    (isValidation(error) && messageOf(error).startsWith('Cannot update in-progress endpoint')) ||
    nameOf(error) === 'ConcurrentUpdateException'
  )
}

/** Whether Application Auto Scaling knows no such target or policy. */
export function isNotRegistered(error: unknown): boolean {
  return nameOf(error) === 'ObjectNotFoundException'
}

/** Whether CloudWatch Logs has no such group: the container never started. */
export function isNoLogs(error: unknown): boolean {
  return nameOf(error) === 'ResourceNotFoundException'
}

/** Whether S3 has no such object, or will not say: without s3:ListBucket it answers 403 for an absent key. */
export function isNoObject(error: unknown): boolean {
  return ['NoSuchKey', 'NotFound'].includes(nameOf(error)) || isDenied(error)
}

/** Whether S3 has no such bucket. */
export function isNoBucket(error: unknown): boolean {
  return ['NoSuchBucket', 'NotFound'].includes(nameOf(error)) || statusOf(error) === 404
}

/** The region in which S3 says the bucket is, in an answer that refuses or redirects. */
export function bucketRegionIn(error: unknown): string | undefined {
  const { $response } = (error ?? {}) as { $response?: { headers?: Record<string, string | undefined> } }
  return $response?.headers?.['x-amz-bucket-region']
}

/** Whether the registry has no such repository. */
export function isNoRepository(error: unknown): boolean {
  return nameOf(error) === 'RepositoryNotFoundException'
}

/** Whether the repository has no such image. */
export function isNoImage(error: unknown): boolean {
  return nameOf(error) === 'ImageNotFoundException'
}

/** Whether the repository has no such layer. */
export function isNoLayer(error: unknown): boolean {
  return ['LayersNotFoundException', 'LayerInaccessibleException'].includes(nameOf(error))
}

/** Whether the registry has no scan of the image. */
export function isNoScan(error: unknown): boolean {
  return nameOf(error) === 'ScanNotFoundException'
}

/** Whether SNS has no such topic: its operations have a code each for that. */
export function isNoTopic(error: unknown): boolean {
  return NO_TOPIC.has(nameOf(error))
}

/** Whether a topic of that name exists that is not as it was asked for. */
export function isOtherTopic(error: unknown): boolean {
  return isValidation(error) && messageOf(error).includes('Topic already exists with different')
}

/** Whether the resource whose tags were asked for does not exist, whatever its service. */
export function isNoResource(error: unknown): boolean {
  return (
    isNoTopic(error) ||
    (isValidation(error) && /^Could not find (endpoint|model|endpoint configuration) "/.test(messageOf(error)))
  )
}

export function isThrottled(error: unknown): boolean {
  return THROTTLES.has(nameOf(error)) || statusOf(error) === 429 || messageOf(error) === 'Rate exceeded'
}

/** HEAD requests have no body to name the error, so the status counts too. */
export function isDenied(error: unknown): boolean {
  return DENIALS.has(nameOf(error)) || (statusOf(error) === 403 && !SIGN_IN.has(nameOf(error)))
}

/** Whether the quota forbids it: only a raised quota or fewer instances elsewhere help, and both come without telling us. */
export function isQuota(error: unknown): boolean {
  return ['ResourceLimitExceeded', 'LimitExceededException', 'LimitExceeded'].includes(nameOf(error))
}

/** Whether repeating the same request may well succeed: throttling, a failure of AWS or of the connection, a time limit. */
export function isTransient(error: unknown): boolean {
  if (isThrottled(error) || isInProgress(error)) return true
  if (isDenied(error) || SIGN_IN.has(nameOf(error)) || isValidation(error) || isQuota(error)) return false
  const status = statusOf(error)
  return status === undefined || status >= 500
}

/** Whether only a change by somebody can help. */
export function isPermanent(error: unknown): boolean {
  return !isTransient(error)
}

/** Explains an error of any AWS call. */
export function explainError(error: unknown): Explanation {
  if (isThrottled(error))
    return transient('Throttled', 'AWS limits the rate of requests at the moment. Mooring tries again by itself.')
  if (isInProgress(error)) return transient('InProgress', 'AWS is still changing it. Mooring tries again by itself.')
  if (isDenied(error))
    return permanent(
      'AccessDenied',
      `Allow the operator this call in its IAM policy. AWS says: ${sentence(messageOf(error))}`,
    )
  if (SIGN_IN.has(nameOf(error)))
    return permanent(
      'NoCredentials',
      `Give the operator's service account an IAM role. AWS says: ${sentence(messageOf(error))}`,
    )
  if (isQuota(error))
    return permanent(
      'QuotaExceeded',
      `Raise the quota in Service Quotas, or choose another instance type. AWS says: ${sentence(messageOf(error))}`,
    )
  if (isTransient(error))
    return transient('AwsUnavailable', 'AWS did not answer, or failed by itself. Mooring tries again by itself.')
  return explainText(messageOf(error)) ?? permanent('Refused', `AWS refused: ${sentence(messageOf(error))}`)
}

function isValidation(error: unknown): boolean {
  return VALIDATIONS.has(nameOf(error))
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : ''
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } } | undefined)?.$metadata?.httpStatusCode
}
