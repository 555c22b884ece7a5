/** What a FailureReason means. SageMaker gives text only; these are the texts that users report. */
export type Failure = {
  /** A repetition of the same would fail the same way. */
  permanent: boolean
  /** A CamelCase constant. */
  reason: string
  /** What the user can do. */
  remedy: string
}

const KNOWN: { match: RegExp; failure: Failure }[] = [
  {
    match: /InsufficientInstanceCapacity|CapacityError|Unable to provision requested ML compute capacity/,
    failure: {
      permanent: false,
      reason: 'InsufficientCapacity',
      remedy: 'AWS has no such instance free at the moment; another instance type or region may have.',
    },
  },
  {
    match: /^Request to service failed/,
    failure: {
      permanent: false,
      reason: 'ServiceError',
      remedy: 'An error inside SageMaker, or an image for another architecture; check the platform if it persists.',
    },
  },
  {
    match: /service limit|ResourceLimitExceeded|Rate exceeded|Throttling/,
    failure: {
      permanent: false,
      reason: 'LimitExceeded',
      remedy: 'Ask AWS for a higher quota of this instance type, or free some.',
    },
  },
  {
    match:
      /make sure all images included in the model|does not have BatchGetImage permission|does not grant ecr:|Requested image .* not found/,
    failure: {
      permanent: true,
      reason: 'ImageInaccessible',
      remedy: 'Push the image, or let the execution role pull it (ecr:BatchGetImage, ecr:GetDownloadUrlForLayer).',
    },
  },
  {
    match: /provided role .* is invalid|Could not assume role|sts:AssumeRole|is not authorized to perform/,
    failure: {
      permanent: true,
      reason: 'RoleUnusable',
      remedy: 'Let sagemaker.amazonaws.com assume the execution role, and give it what the message names.',
    },
  },
  {
    match: /Failed to download model data|Could not access model data|Failed to extract model data/,
    failure: {
      permanent: true,
      reason: 'ModelDataUnusable',
      remedy: 'Put one .tar.gz at modelDataUrl, in the same region, readable by the execution role.',
    },
  },
  {
    match: /CannotStartContainerError/,
    failure: {
      permanent: true,
      reason: 'ContainerDidNotStart',
      remedy: 'Run the image locally with the argument `serve`; its ENTRYPOINT must start the server.',
    },
  },
]

/** A container that does not answer may have met a bad machine: worth the bounded attempts that recovery allows. */
const UNHEALTHY: Failure = {
  permanent: false,
  reason: 'PingFailed',
  remedy: 'GET /ping on port 8080 must answer 200; the last log lines say what the container did instead.',
}

const UNKNOWN: Failure = {
  permanent: false,
  reason: 'EndpointFailed',
  remedy: 'The last log lines in status.lastFailure may say more.',
}

export function classifyFailure(failureReason: string): Failure {
  const known = KNOWN.find(({ match }) => match.test(failureReason))
  if (known) return known.failure
  return /ping health check/.test(failureReason) ? UNHEALTHY : UNKNOWN
}
