import { ApiError } from '../../service.ts'

/** SageMaker's errors, in its own words where they are known; README.md lists those that are worded here. */

export const validation = (message: string) => new ApiError('ValidationException', message)

const KINDS = { model: 'model', 'endpoint-config': 'endpoint configuration', endpoint: 'endpoint' } as const
export type Kind = keyof typeof KINDS

export const notFound = (kind: Kind, arn: string) => validation(notFoundText(kind, arn))
export const notFoundText = (kind: Kind, arn: string) => `Could not find ${KINDS[kind]} "${arn}".`
export const alreadyExists = (kind: Kind, arn: string) =>
  validation(`Cannot create already existing ${KINDS[kind]} "${arn}".`)
/** Delete is refused with the same words as update. */
export const inProgress = (arn: string) => validation(`Cannot update in-progress endpoint "${arn}".`)

export const overQuota = (instanceType: string, limit: number, current: number, delta: number) =>
  new ApiError(
    'ResourceLimitExceeded',
    `The account-level service limit '${instanceType} for endpoint usage' is ${limit} Instances, with current utilization of ` +
      `${current} Instances and a request delta of ${delta} Instances. Please contact AWS support to request an increase for this limit.`,
  )

/** What becomes an endpoint's FailureReason. */
export const FAILURES = {
  capacity: () => 'Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error.',
  ping: (variant: string) =>
    `The primary container for production variant ${variant} did not pass the ping health check. Please check CloudWatch logs for this endpoint.`,
  image: (variant: string) =>
    `Please make sure all images included in the model for the production variant ${variant} exist, and that the execution role used to create the model has permissions to access them.`,
  start: (variant: string) =>
    `CannotStartContainerError. Please ensure the model container for variant ${variant} starts correctly when invoked with 'docker run <image> serve'`,
  modelData: (url: string) =>
    `Failed to download model data for container "container_1" from URL: "${url}". Please ensure that there is an object located at the URL and that the role passed to CreateModel has permissions to download the object.`,
  modelArchive: (url: string) =>
    `Failed to extract model data archive for container "container_1" from URL "${url}". Please ensure that the object located at the URL is a valid tar.gz archive.`,
  internal: () => 'Request to service failed. If failure persists after retry, contact customer support.',
  alarms: (names: readonly string[]) =>
    `The deployment was rolled back because one or more of its CloudWatch alarms went into ALARM: ${names.join(', ')}.`,
  deploymentTimeout: (seconds: number) =>
    `The deployment was rolled back because it exceeded its MaximumExecutionTimeoutInSeconds of ${seconds} seconds.`,
  topic: (role: string, topic: string) =>
    `The provided role '${role}' is invalid. Please ensure the role exists, that its trust relationship policy allows the action "sts:AssumeRole" for the service principal "sagemaker.amazonaws.com", and has "sns:Publish" permissions for topic "${topic}"`,
} as const
