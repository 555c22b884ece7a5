/** The one place that knows AWS's error names and messages. */

type AwsError = Error & { $metadata?: { httpStatusCode?: number }; $retryable?: { throttling?: boolean } }

function isAws(error: unknown, name: string, messagePrefix = ''): boolean {
  return error instanceof Error && error.name === name && error.message.startsWith(messagePrefix)
}

/**
 * SageMaker has no not-found code: it is a ValidationException with a message. The quote belongs to the match, since `Could not
 * find endpoint` is also how a missing endpoint *configuration* begins (the pitfall of ACK's and Terraform's matching).
 */
export const isEndpointNotFound = (error: unknown) => isAws(error, 'ValidationException', 'Could not find endpoint "')
export const isEndpointConfigNotFound = (error: unknown) =>
  isAws(error, 'ValidationException', 'Could not find endpoint configuration "')
export const isModelNotFound = (error: unknown) => isAws(error, 'ValidationException', 'Could not find model "')

/** The name is taken; by whom, its tags tell. */
export const isAlreadyExisting = (error: unknown) =>
  isAws(error, 'ValidationException', 'Cannot create already existing') || isAws(error, 'ResourceInUse')

/** The endpoint is in a transition, by us, by autoscaling or by AWS: normal, look again. Deletion says the same words. */
export const isInProgress = (error: unknown) =>
  isAws(error, 'ValidationException', 'Cannot update in-progress endpoint')

export const isScalableTargetNotFound = (error: unknown) => isAws(error, 'ObjectNotFoundException')
export const isLogsNotFound = (error: unknown) => isAws(error, 'ResourceNotFoundException')
export const isObjectNotFound = (error: unknown) => isAws(error, 'NoSuchKey') || isAws(error, 'NotFound')

export const isThrottled = (error: unknown) =>
  isAws(error, 'ThrottlingException') ||
  isAws(error, 'Throttling') ||
  isAws(error, 'TooManyRequestsException') ||
  (error instanceof Error && (error as AwsError).$retryable?.throttling === true)

/** The account's limit: a request to raise it takes days, other endpoints may go in minutes. */
export const isLimitExceeded = (error: unknown) =>
  isAws(error, 'ResourceLimitExceeded') || isAws(error, 'LimitExceededException')

/** Refused because of what was asked, not because of the moment. */
export function isRejected(error: unknown): boolean {
  if (!(error instanceof Error) || isThrottled(error) || isLimitExceeded(error) || isInProgress(error)) return false
  return [
    'ValidationException',
    'ValidationError',
    'SerializationException',
    'AccessDeniedException',
    'InvalidParameterException',
    'InvalidParameterValue',
    'RepositoryNotFoundException',
  ].includes(error.name)
}

/** The error in one line for a condition: code and message, without request ids. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const first = error.message.split('\n')[0] ?? ''
  // Service messages may end in "(Service: …; Request ID: …)", which would differ on every try.
  const message = first.replace(/\s*\((?:Service|Status Code|Request ID)[^)]*\)\s*$/i, '')
  return error.name === 'Error' || message.startsWith(error.name) ? message : `${error.name}: ${message}`
}

export function isNoSuchImage(error: unknown): boolean {
  return isAws(error, 'ImageNotFoundException') || isAws(error, 'RepositoryNotFoundException')
}
