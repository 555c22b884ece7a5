import test from 'ava'
import {
  explainError,
  isAlreadyExists,
  isInProgress,
  isNoObject,
  isNotFound,
  isPermanent,
  isThrottled,
  isTransient,
} from '../../../operator/providers/errors.ts'
import { explainFailureReason } from '../../../operator/providers/failure-reasons.ts'

/** An error as the SDK throws it. */
function aws(name: string, message: string, httpStatusCode = 400): Error {
  return Object.assign(new Error(message), { name, $metadata: { httpStatusCode } })
}
const validation = (message: string) => aws('ValidationException', message)
const arn = (kind: string) => `"arn:aws:sagemaker:us-east-1:123456789012:${kind}/x"`

test('a missing configuration is not taken for a missing endpoint, though its message begins the same', (t) => {
  const config = validation(`Could not find endpoint configuration ${arn('endpoint-config')}.`)
  t.true(isNotFound(config, 'endpoint configuration'))
  t.false(isNotFound(config, 'endpoint'))
  const endpoint = validation(`Could not find endpoint ${arn('endpoint')}.`)
  t.true(isNotFound(endpoint, 'endpoint'))
  t.false(isNotFound(endpoint, 'endpoint configuration'))
  t.true(isNotFound(validation(`Could not find model ${arn('model')}.`), 'model'))
})

test('nothing else is taken for not found: not in progress, not throttled, not another service’s words', (t) => {
  for (const error of [
    validation(`Cannot update in-progress endpoint ${arn('endpoint')}.`),
    aws('ThrottlingException', 'Rate exceeded'),
    aws('AccessDeniedException', `Could not find endpoint ${arn('endpoint')}.`),
    new Error(`Could not find endpoint ${arn('endpoint')}.`),
  ])
    t.false(isNotFound(error, 'endpoint'), error.message)
})

test('a name that is taken is told by kind', (t) => {
  const config = validation(`Cannot create already existing endpoint configuration ${arn('endpoint-config')}.`)
  t.true(isAlreadyExists(config, 'endpoint configuration'))
  t.false(isAlreadyExists(config, 'endpoint'))
  t.true(isAlreadyExists(validation(`Cannot create already existing endpoint ${arn('endpoint')}.`), 'endpoint'))
})

test('an endpoint in progress is no failure, whoever changes it', (t) => {
  t.true(isInProgress(validation(`Cannot update in-progress endpoint ${arn('endpoint')}.`)))
  t.true(isTransient(aws('ConcurrentUpdateException', 'There is a concurrent update.')))
})

test('an absent object in S3 may answer 403, and HEAD has no body to say more', (t) => {
  t.true(isNoObject(aws('NotFound', 'NotFound', 404)))
  t.true(isNoObject(aws('NoSuchKey', 'The specified key does not exist.', 404)))
  t.true(isNoObject(aws('403', 'UnknownError', 403)))
  t.false(isNoObject(aws('InternalError', 'We encountered an internal error.', 500)))
})

const TRANSIENT: [string, Error][] = [
  ['Throttled', aws('ThrottlingException', 'Rate exceeded')],
  ['Throttled', aws('TooManyRequestsException', 'slow down', 429)],
  ['AwsUnavailable', aws('InternalFailure', 'internal', 500)],
  ['AwsUnavailable', aws('ServiceUnavailable', 'unavailable', 503)],
  ['AwsUnavailable', Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })],
  ['AwsUnavailable', Object.assign(new Error('Request aborted'), { name: 'AbortError' })],
  ['InProgress', validation(`Cannot update in-progress endpoint ${arn('endpoint')}.`)],
]
const PERMANENT: [string, Error][] = [
  ['AccessDenied', aws('AccessDeniedException', 'User is not authorized to perform: sagemaker:CreateModel', 400)],
  ['NoCredentials', Object.assign(new Error('Could not load credentials'), { name: 'CredentialsProviderError' })],
  ['NoCredentials', aws('UnrecognizedClientException', 'The security token included in the request is invalid.')],
  [
    'QuotaExceeded',
    aws(
      'ResourceLimitExceeded',
      "The account-level service limit 'ml.g5.xlarge for endpoint usage' is 0 Instances, with current utilization of 0 Instances and a request delta of 1 Instances. Please contact AWS support to request an increase for this limit.",
    ),
  ],
  ['ImageNotFound', validation('Requested image 123456789012.dkr.ecr.us-east-1.amazonaws.com/x:1 not found.')],
  ['ImageInvalid', validation('ECR image "123456789012.dkr.ecr.us-east-1.amazonaws.com/x" is invalid.')],
  [
    'ImagePullDenied',
    validation(
      'The repository of your image x does not grant ecr:GetDownloadUrlForLayer, ecr:BatchGetImage, ecr:BatchCheckLayerAvailability permission to sagemaker.amazonaws.com service principal.',
    ),
  ],
  [
    'RoleCannotBeAssumed',
    validation(
      "Could not assume role arn:aws:iam::1:role/r. Please ensure that the role exists and allows principal 'sagemaker.amazonaws.com' to assume the role.",
    ),
  ],
  [
    'ModelDataUnavailable',
    validation(
      'Could not access model data at s3://b/k. Please ensure that the role "r" exists and that its trust relationship policy allows the action "sts:AssumeRole"',
    ),
  ],
  ['NotSupported', validation('One or more endpoint features are not supported using this configuration')],
  ['Refused', validation('Marketplace images are not supported when specifying an AsyncInferenceConfig.')],
]
for (const [reason, error] of TRANSIENT)
  test(`may pass by itself: ${error.name}: ${error.message.slice(0, 50)}`, (t) => {
    t.like(explainError(error), { reason, permanent: false })
    t.true(isTransient(error))
  })
for (const [reason, error] of PERMANENT)
  test(`only a change helps: ${error.name}: ${error.message.slice(0, 60)}`, (t) => {
    t.like(explainError(error), { reason, permanent: true })
    t.true(isPermanent(error))
    t.false(isThrottled(error))
  })

const FAILURES: [string, string, boolean][] = [
  [
    'InsufficientCapacity',
    'Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error.',
    false,
  ],
  [
    'InsufficientCapacity',
    'CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type.',
    false,
  ],
  [
    'PingFailed',
    'The primary container for production variant AllTraffic did not pass the ping health check. Please check CloudWatch logs for this endpoint.',
    false,
  ],
  [
    'PingFailed',
    'The customer:primary container,hardware:neuron for production variant AllTraffic did not pass the ping health check.',
    false,
  ],
  [
    'ImageNotFound',
    'Please make sure all images included in the model for the production variant V exist, and that the execution role used to create the model has permissions to access them.',
    true,
  ],
  ['ImagePullDenied', "The role 'arn:x' does not have BatchGetImage permission for the image: 'y'.", true],
  [
    'ContainerCannotStart',
    "CannotStartContainerError. Please ensure the model container for variant V starts correctly when invoked with 'docker run <image> serve'",
    true,
  ],
  [
    'ModelDataUnavailable',
    'Failed to download model data for container "container_1" from URL: "s3://b/k". Please ensure that there is an object located at the URL and that the role passed to CreateModel has permissions to download the object.',
    true,
  ],
  ['ModelDataInvalid', 'Failed to extract model data archive for container "container_1"', true],
  ['ServiceFailure', 'Request to service failed. If failure persists after retry, contact customer support.', false],
  [
    'TopicDenied',
    'The provided role \'arn:x\' is invalid. Please ensure the role exists, that its trust relationship policy allows the action "sts:AssumeRole" for the service principal "sagemaker.amazonaws.com", and has "sns:Publish" permissions for topic "arn:t"',
    true,
  ],
  ['Failed', 'A reason that nobody has seen before', false],
]
for (const [reason, text, permanent] of FAILURES)
  test(`FailureReason is ${permanent ? 'permanent' : 'transient'}: ${text.slice(0, 70)}`, (t) => {
    const explanation = explainFailureReason(text)
    t.like(explanation, { reason, permanent })
    t.true(explanation.message.includes(text.slice(0, 40)))
  })

test('an empty FailureReason, as silent rollbacks have, is explained all the same', (t) => {
  for (const nothing of [undefined, '', '  '])
    t.like(explainFailureReason(nothing), { reason: 'Failed', permanent: false })
})

test('request ids stay out of messages: they would make every pass a change', (t) => {
  const say = (id: string) => explainError(validation(`Something is wrong (Request ID: ${id})`)).message
  t.is(say('0f8b4c1e-7d2a-4e55-9c3b-1a2b3c4d5e6f'), say('11111111-7d2a-4e55-9c3b-1a2b3c4d5e6f'))
})
