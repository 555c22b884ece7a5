import test from 'ava'
import { type Manifest, testCluster } from '../../kubernetes.ts'
import { aModelImage, anEndpoint, withField } from './manifests.ts'

/** One mistake: where it is, what stands there (undefined: nothing), and what the refusal must hold. */
type Mistake = {
  title: string
  path: string
  value: unknown
  says: string[]
  manifest?: (manifest: Manifest) => Manifest
}

const ECR = '123456789012.dkr.ecr.us-east-1.amazonaws.com'
const WITH_TOPICS = (manifest: Manifest) =>
  withField(manifest, 'spec.async.notifications', {
    successTopicArn: 'arn:aws:sns:us-east-1:123456789012:segment-success',
  })
const SMOKE_TEST = { input: { inline: '{}' }, contentType: 'application/json' }
const WITH_SMOKE_TEST = (manifest: Manifest) => withField(manifest, 'spec.smokeTest', SMOKE_TEST)
const VPC = { securityGroupIds: ['sg-0a1b2c3d'], subnets: ['subnet-0a1b2c3d'] }
const WITH_VPC = (manifest: Manifest) => withField(manifest, 'spec.vpc', VPC)

const IMAGE_MISTAKES: Mistake[] = [
  { title: 'no image', path: 'spec.image', value: undefined, says: ['spec.image: Required value'] },
  { title: 'an empty image', path: 'spec.image', value: '', says: ['spec.image', 'at least 1 char'] },
  {
    title: 'an image without its registry',
    path: 'spec.image',
    value: 'library/python:3.12',
    says: ['spec.image', 'must begin with the registry', 'dkr.ecr.<region>.amazonaws.com'],
  },
  {
    title: 'an ECR image with neither tag nor digest',
    path: 'spec.image',
    value: `${ECR}/sam-lite`,
    says: ['spec.image', 'needs a tag or a digest', 'end it with :<tag>'],
  },
  {
    title: 'an ECR image with both tag and digest',
    path: 'spec.image',
    value: `${ECR}/sam-lite:1.0.0@sha256:${'a'.repeat(64)}`,
    says: ['spec.image', 'takes one tag or one digest'],
  },
  {
    title: 'a digest that is cut short',
    path: 'spec.image',
    value: `${ECR}/sam-lite@sha256:abc123`,
    says: ['spec.image', '@sha256:<64 hexadecimal digits>'],
  },
  {
    title: 'a repository in capitals',
    path: 'spec.image',
    value: `${ECR}/SAM:1.0.0`,
    says: ['spec.image', 'lower-case letters', 'write it as the registry lists it'],
  },
  {
    title: 'an image reference of a page',
    path: 'spec.image',
    value: `${ECR}/${'a'.repeat(512)}:1`,
    says: ['spec.image', 'may not be more than 512'],
  },
  {
    title: 'a look at the registry every second',
    path: 'spec.resolveIntervalSeconds',
    value: 1,
    says: ['spec.resolveIntervalSeconds', 'greater than or equal to 60'],
  },
  {
    title: 'an image in a field of another name',
    path: 'spec.imageUri',
    value: `${ECR}/sam-lite:1.0.0`,
    says: ['unknown field "spec.imageUri"'],
  },
  {
    title: 'a check of another policy',
    path: 'spec.checks.port.policy',
    value: 'Off',
    says: ['spec.checks.port.policy', '"Enforce", "Warn", "Ignore"'],
  },
  {
    title: 'a check of another name',
    path: 'spec.checks.entryPoint',
    value: { policy: 'Warn' },
    says: ['unknown field "spec.checks.entryPoint"'],
  },
  {
    title: 'a pattern for the command line that is none',
    path: 'spec.checks.entrypoint.matches',
    value: ['inference(.py'],
    says: ['spec.checks.entrypoint.matches[0]', 'must be a regular expression'],
  },
  {
    title: 'more patterns for the command line than anybody needs',
    path: 'spec.checks.entrypoint.doesNotMatch',
    value: Array.from({ length: 9 }, (_, index) => `serve${index}`),
    says: ['spec.checks.entrypoint.doesNotMatch', 'at most 8 items'],
  },
  {
    title: 'a required path in no folder',
    path: 'spec.checks.requiredPaths.paths',
    value: ['model.onnx'],
    says: ['spec.checks.requiredPaths.paths[0]', 'must be an absolute path', 'write /opt/ml/model/<file>'],
  },
  {
    title: 'a forbidden folder with a / at its end',
    path: 'spec.checks.forbiddenPaths.paths',
    value: ['/root/.aws/'],
    says: ['spec.checks.forbiddenPaths.paths[0]', 'without a / at its end'],
  },
  {
    title: 'a forbidden variable with its value',
    path: 'spec.checks.forbiddenEnv.names',
    value: ['DEBUG=1'],
    says: ['spec.checks.forbiddenEnv.names[0]', "without '='"],
  },
  {
    title: 'a required variable twice',
    path: 'spec.checks.requiredEnv.variables',
    value: [{ name: 'MODEL' }, { name: 'MODEL', matches: 'sam' }],
    says: ['spec.checks.requiredEnv.variables[1]', 'Duplicate value'],
  },
  {
    title: 'a base image by a tag',
    path: 'spec.checks.baseImage.allowed',
    value: [{ name: 'python', layers: ['python:3.12'] }],
    says: ['spec.checks.baseImage.allowed[0].layers[0]', 'must be a digest', 'write sha256:'],
  },
  {
    title: 'a base image without layers',
    path: 'spec.checks.baseImage.allowed',
    value: [{ name: 'python', layers: [] }],
    says: ['spec.checks.baseImage.allowed[0].layers', 'at least 1 items'],
  },
  {
    title: 'a private key where a public one belongs',
    path: 'spec.checks.signature.publicKeys',
    value: ['-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n'],
    says: ['spec.checks.signature.publicKeys[0]', 'must be one public key in PEM', 'cosign.pub'],
  },
  {
    title: 'an image that may be larger than any',
    path: 'spec.checks.size.maxGigabytes',
    value: 1001,
    says: ['spec.checks.size.maxGigabytes', 'less than or equal to 1000'],
  },
]

const ENDPOINT_MISTAKES: Mistake[] = [
  { title: 'no region', path: 'spec.region', value: undefined, says: ['spec.region: Required value'] },
  {
    title: 'an availability zone for a region',
    path: 'spec.region',
    value: 'us-east-1a',
    says: ['spec.region', 'an AWS region such as us-east-1'],
  },
  {
    title: 'no role',
    path: 'spec.executionRoleArn',
    value: undefined,
    says: ['spec.executionRoleArn: Required value'],
  },
  {
    title: 'the bare name of a role',
    path: 'spec.executionRoleArn',
    value: 'mooring-execution-role',
    says: ['spec.executionRoleArn', 'arn:aws:iam::<account id>:role/<name>'],
  },
  {
    title: 'the ARN of a user for a role',
    path: 'spec.executionRoleArn',
    value: 'arn:aws:iam::123456789012:user/somebody',
    says: ['spec.executionRoleArn', 'not a user'],
  },
  { title: 'no image', path: 'spec.imageRef', value: undefined, says: ['spec.imageRef: Required value'] },
  {
    title: 'an image reference where a ModelImage is named',
    path: 'spec.imageRef.name',
    value: `${ECR}/sam-lite:1.0.0`,
    says: ['spec.imageRef.name', "belongs in that ModelImage's spec.image"],
  },
  {
    title: 'model data at a web address',
    path: 'spec.modelDataUrl',
    value: 'https://models.example/model.tar.gz',
    says: ['spec.modelDataUrl', 's3://<bucket>/<key>.tar.gz'],
  },
  {
    title: 'model data that is not a tar archive',
    path: 'spec.modelDataUrl',
    value: 's3://models/model.zip',
    says: ['spec.modelDataUrl', '.tar.gz'],
  },
  {
    title: 'a variable with a dash',
    path: 'spec.environment',
    value: { 'LOG-LEVEL': 'info' },
    says: ['spec.environment', 'rename the variable'],
  },
  {
    title: 'a variable that starts with a digit',
    path: 'spec.environment',
    value: { '3D': 'yes' },
    says: ['spec.environment', 'start with no digit'],
  },
  {
    title: 'a variable that is a number',
    path: 'spec.environment',
    value: { WORKERS: 4 },
    says: ['spec.environment.WORKERS', 'must be of type string'],
  },
  {
    title: 'a variable with a value of two pages',
    path: 'spec.environment',
    value: { PROMPT: 'x'.repeat(1025) },
    says: ['spec.environment.PROMPT', 'may not be more than 1024'],
  },
  {
    title: 'a hundred and one variables',
    path: 'spec.environment',
    value: Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`V${index}`, ''])),
    says: ['spec.environment', 'must have at most 100 items'],
  },
  {
    title: 'the name of an EC2 instance type',
    path: 'spec.instance.type',
    value: 'g5.2xlarge',
    says: ['spec.instance.type', "put 'ml.' before the EC2 name"],
  },
  {
    title: 'no instance type',
    path: 'spec.instance.type',
    value: undefined,
    says: ['spec.instance.type: Required value'],
  },
  {
    title: 'a start with no instances',
    path: 'spec.instance.initialCount',
    value: 0,
    says: ['spec.instance.initialCount', 'greater than or equal to 1'],
  },
  {
    title: 'a start with more instances than scaling may have',
    path: 'spec.instance.initialCount',
    value: 2,
    says: ['spec.instance.initialCount', 'raise scaling.maxInstances'],
  },
  {
    title: 'a volume of a terabyte',
    path: 'spec.instance.volumeSizeInGB',
    value: 1024,
    says: ['spec.instance.volumeSizeInGB', 'less than or equal to 512'],
  },
  {
    title: 'two hours to start',
    path: 'spec.instance.containerStartupHealthCheckTimeoutInSeconds',
    value: 7200,
    says: ['spec.instance.containerStartupHealthCheckTimeoutInSeconds', 'less than or equal to 3600'],
  },
  {
    title: 'half a minute to download the model',
    path: 'spec.instance.modelDataDownloadTimeoutInSeconds',
    value: 30,
    says: ['spec.instance.modelDataDownloadTimeoutInSeconds', 'greater than or equal to 60'],
  },
  {
    title: 'a machine image that SageMaker does not have',
    path: 'spec.instance.inferenceAmiVersion',
    value: 'latest',
    says: ['spec.instance.inferenceAmiVersion', 'supported values: "al2-ami-sagemaker-inference-gpu-2"'],
  },
  {
    title: 'the name of a security group',
    path: 'spec.vpc.securityGroupIds',
    value: ['default'],
    manifest: WITH_VPC,
    says: ['spec.vpc.securityGroupIds[0]', 'write sg-<id>'],
  },
  {
    title: 'six security groups',
    path: 'spec.vpc.securityGroupIds',
    value: Array.from({ length: 6 }, (_, index) => `sg-${index}`),
    manifest: WITH_VPC,
    says: ['spec.vpc.securityGroupIds', 'must have at most 5 items'],
  },
  {
    title: 'a VPC without subnets',
    path: 'spec.vpc.subnets',
    value: undefined,
    manifest: WITH_VPC,
    says: ['spec.vpc.subnets: Required value'],
  },
  {
    title: 'the same subnet twice',
    path: 'spec.vpc.subnets',
    value: ['subnet-1', 'subnet-1'],
    manifest: WITH_VPC,
    says: ['spec.vpc.subnets[1]', 'Duplicate value'],
  },
  { title: 'no async block', path: 'spec.async', value: undefined, says: ['spec.async: Required value'] },
  {
    title: 'no output path',
    path: 'spec.async.output',
    value: {},
    says: ['spec.async.output.s3OutputPath: Required value'],
  },
  {
    title: 'an output path that is a folder on disk',
    path: 'spec.async.output.s3OutputPath',
    value: '/opt/ml/output',
    says: ['spec.async.output.s3OutputPath', 's3://<bucket>/<prefix>/'],
  },
  {
    title: 'a failure path in a bucket with capitals',
    path: 'spec.async.output.s3FailurePath',
    value: 's3://Mooring-Demo/failures/',
    says: ['spec.async.output.s3FailurePath', 'lower case'],
  },
  {
    title: 'a KMS key by its nickname',
    path: 'spec.async.output.kmsKeyId',
    value: 'my key',
    says: ['spec.async.output.kmsKeyId', 'alias/<name>'],
  },
  {
    title: 'no concurrency at all',
    path: 'spec.async.maxConcurrentInvocationsPerInstance',
    value: 0,
    says: ['spec.async.maxConcurrentInvocationsPerInstance', 'greater than or equal to 1'],
  },
  {
    title: 'an SQS queue for a topic',
    path: 'spec.async.notifications.successTopicArn',
    value: 'arn:aws:sqs:us-east-1:123456789012:answers',
    says: ['spec.async.notifications.successTopicArn', 'arn:aws:sns:<region>:<account id>:<topic>'],
  },
  {
    title: 'a topic in another region',
    path: 'spec.async.notifications.errorTopicArn',
    value: 'arn:aws:sns:eu-west-1:123456789012:segment-error',
    says: ['spec.async.notifications.errorTopicArn', 'must be a topic in spec.region'],
  },
  {
    title: 'responses for a topic that is not there',
    path: 'spec.async.notifications.includeInferenceResponseIn',
    value: ['ERROR_NOTIFICATION_TOPIC'],
    manifest: WITH_TOPICS,
    says: ['spec.async.notifications.includeInferenceResponseIn', 'set errorTopicArn'],
  },
  {
    title: 'responses for a topic that SageMaker does not know',
    path: 'spec.async.notifications.includeInferenceResponseIn',
    value: ['SUCCESS'],
    manifest: WITH_TOPICS,
    says: ['spec.async.notifications.includeInferenceResponseIn[0]', 'supported values: "SUCCESS_NOTIFICATION_TOPIC"'],
  },
  {
    title: 'topics to be made beside topics that are given',
    path: 'spec.async.notifications.createTopics',
    value: true,
    manifest: WITH_TOPICS,
    says: ['spec.async.notifications.createTopics', 'take it out, or take successTopicArn and errorTopicArn out'],
  },
  {
    title: 'a key for topics that nobody makes',
    path: 'spec.async.notifications.kmsKeyId',
    value: 'alias/vision',
    manifest: WITH_TOPICS,
    says: ['spec.async.notifications.kmsKeyId', 'set createTopics: true'],
  },
  {
    title: 'a minimum above the maximum',
    path: 'spec.scaling',
    value: { minInstances: 4, maxInstances: 3 },
    says: ['spec.scaling.minInstances', 'lower minInstances or raise maxInstances'],
  },
  {
    title: 'a minimum above the maximum that is defaulted',
    path: 'spec.scaling',
    value: { minInstances: 2 },
    says: ['spec.scaling.minInstances', 'raise maxInstances'],
  },
  {
    title: 'a negative minimum',
    path: 'spec.scaling.minInstances',
    value: -1,
    says: ['spec.scaling.minInstances', 'greater than or equal to 0'],
  },
  {
    title: 'a maximum below nothing',
    path: 'spec.scaling.maxInstances',
    value: -1,
    says: ['spec.scaling.maxInstances', 'greater than or equal to 0'],
  },
  {
    title: 'a schedule in five fields',
    path: 'spec.scaling.schedule',
    value: [{ name: 'morning', schedule: 'cron(0 8 * * 1-5)', minInstances: 1 }],
    says: ['spec.scaling.schedule', 'six fields', 'cron(0 8 ? * MON-FRI *)'],
  },
  {
    title: 'a schedule that changes nothing',
    path: 'spec.scaling.schedule',
    value: [{ name: 'morning', schedule: 'rate(1 hour)' }],
    says: ['spec.scaling.schedule', 'changes nothing', 'give minInstances, maxInstances or both'],
  },
  {
    title: 'two schedules of one name',
    path: 'spec.scaling.schedule',
    value: [
      { name: 'morning', schedule: 'rate(1 hour)', minInstances: 1 },
      { name: 'morning', schedule: 'rate(2 hours)', minInstances: 0 },
    ],
    says: ['spec.scaling.schedule', 'Duplicate value'],
  },
  {
    title: 'a scheduled minimum above its maximum',
    path: 'spec.scaling.schedule',
    value: [{ name: 'morning', schedule: 'rate(1 hour)', minInstances: 3, maxInstances: 2 }],
    says: ['spec.scaling.schedule', 'must not exceed maxInstances'],
  },
  {
    title: 'its own type as a fallback',
    path: 'spec.instance.fallback',
    value: { types: ['ml.g5.2xlarge'] },
    says: ['spec.instance.fallback.types', 'name other types only'],
  },
  {
    title: 'five fallback types',
    path: 'spec.instance.fallback',
    value: { types: ['ml.g5.xlarge', 'ml.g5.4xlarge', 'ml.g4dn.xlarge', 'ml.g4dn.2xlarge', 'ml.g6.xlarge'] },
    says: ['spec.instance.fallback.types', 'must have at most 4 items'],
  },
  {
    title: 'a time limit of pools without pools',
    path: 'spec.instance.fallback',
    value: { types: ['ml.g5.xlarge'], mode: 'InOrder', provisionTimeoutSeconds: 600 },
    says: ['spec.instance.fallback.provisionTimeoutSeconds', 'set mode: InstancePools'],
  },
  {
    title: 'a canary of more than half',
    path: 'spec.rollout',
    value: { strategy: 'Canary', step: { value: 60 } },
    says: ['spec.rollout.step', 'at most 50 percent for Canary'],
  },
  {
    title: 'linear steps that are too small',
    path: 'spec.rollout',
    value: { strategy: 'Linear', step: { value: 5 } },
    says: ['spec.rollout.step', '10 to 50 percent for Linear'],
  },
  {
    title: 'batches that are too large',
    path: 'spec.rollout',
    value: { strategy: 'Rolling', step: { value: 80 } },
    says: ['spec.rollout.step', '5 to 50 percent for Rolling'],
  },
  {
    title: 'alarms that nothing would watch',
    path: 'spec.rollout',
    value: { strategy: 'Recreate', autoRollbackAlarms: ['errors'] },
    says: ['spec.rollout.autoRollbackAlarms', 'no effect with Recreate'],
  },
  {
    title: 'the ARN of an endpoint to adopt',
    path: 'spec.adopt',
    value: 'arn:aws:sagemaker:us-east-1:123456789012:endpoint/x',
    says: ['spec.adopt', 'must be the name of an endpoint in SageMaker'],
  },
  {
    title: 'half a request of backlog',
    path: 'spec.scaling.targetBacklogPerInstance',
    value: 0.5,
    says: ['spec.scaling.targetBacklogPerInstance', 'must be of type integer'],
  },
  {
    title: 'a cooldown in words',
    path: 'spec.scaling.scaleInCooldownSeconds',
    value: '5m',
    says: ['spec.scaling.scaleInCooldownSeconds', 'must be of type integer'],
  },
  {
    title: 'a first wait that is longer than the longest',
    path: 'spec.recovery',
    value: { backoffSeconds: 600, maxBackoffSeconds: 60 },
    says: ['spec.recovery.backoffSeconds', 'raise maxBackoffSeconds'],
  },
  {
    title: 'endless attempts',
    path: 'spec.recovery.maxAttempts',
    value: 1_000_000,
    says: ['spec.recovery.maxAttempts', 'less than or equal to 100'],
  },
  {
    title: 'a smoke test that sends nothing',
    path: 'spec.smokeTest.input',
    value: {},
    manifest: WITH_SMOKE_TEST,
    says: ['spec.smokeTest.input', 'exactly one of inline, s3Uri and configMapKeyRef'],
  },
  {
    title: 'a smoke test that sends two things',
    path: 'spec.smokeTest.input',
    value: { inline: '{}', s3Uri: 's3://mooring-demo/smoke-test/input.json' },
    manifest: WITH_SMOKE_TEST,
    says: ['spec.smokeTest.input', 'exactly one of inline, s3Uri and configMapKeyRef'],
  },
  {
    title: 'a smoke test that sends a folder',
    path: 'spec.smokeTest.input',
    value: { s3Uri: 's3://mooring-demo/smoke-test/' },
    manifest: WITH_SMOKE_TEST,
    says: ['spec.smokeTest.input.s3Uri', 'must name one S3 object'],
  },
  {
    title: 'a smoke test with a longer body than SageMaker takes',
    path: 'spec.smokeTest.input',
    value: { inline: 'ü'.repeat(64_001) },
    manifest: WITH_SMOKE_TEST,
    says: ['spec.smokeTest.input.inline', 'may have 128,000 bytes', 'give its s3Uri'],
  },
  {
    title: 'a smoke test repeated every minute',
    path: 'spec.smokeTest.intervalSeconds',
    value: 60,
    manifest: WITH_SMOKE_TEST,
    says: ['spec.smokeTest.intervalSeconds', 'greater than or equal to 3600'],
  },
  {
    title: 'an expected refusal that SageMaker writes nowhere',
    path: 'spec.smokeTest.expect',
    value: { status: 'Failed' },
    manifest: WITH_SMOKE_TEST,
    says: ['spec.smokeTest.expect.status', 'set that path'],
  },
  {
    title: 'a smoke test that expects more than it allows',
    path: 'spec.smokeTest.expect',
    value: { minBytes: 2, maxBytes: 1 },
    manifest: WITH_SMOKE_TEST,
    says: ['spec.smokeTest.expect.minBytes', 'must not exceed maxBytes'],
  },
  {
    title: 'a JSONPath with code in it',
    path: 'spec.smokeTest.expect',
    value: { jsonPath: [{ path: '$[?(@.a > 1)]' }] },
    manifest: WITH_SMOKE_TEST,
    says: ['spec.smokeTest.expect.jsonPath[0].path', 'no filters or scripts'],
  },
  {
    title: 'an expression that is none',
    path: 'spec.smokeTest.expect',
    value: { jsonPath: [{ path: '$', matches: '(' }] },
    manifest: WITH_SMOKE_TEST,
    says: ['spec.smokeTest.expect.jsonPath[0].matches', 'must be a regular expression'],
  },
  {
    title: 'a smoke test without a content type',
    path: 'spec.smokeTest.contentType',
    value: undefined,
    manifest: WITH_SMOKE_TEST,
    says: ['spec.smokeTest.contentType: Required value'],
  },
  {
    title: 'a smoke test of a second',
    path: 'spec.smokeTest.timeoutSeconds',
    value: 1,
    manifest: WITH_SMOKE_TEST,
    says: ['spec.smokeTest.timeoutSeconds', 'greater than or equal to 10'],
  },
  {
    title: "a tag in AWS's name",
    path: 'spec.tags',
    value: { 'AWS:team': 'vision' },
    says: ['spec.tags', 'belong to AWS', 'rename the key'],
  },
  {
    title: "a tag in Mooring's name",
    path: 'spec.tags',
    value: { 'mooring.dev/uid': 'mine' },
    says: ['spec.tags', 'say which object owns a resource', 'rename the key'],
  },
  {
    title: 'a tag key that AWS does not take',
    path: 'spec.tags',
    value: { 'team#1': 'vision' },
    says: ['spec.tags', 'shorten or rename the key'],
  },
  {
    title: 'a tag value that AWS does not take',
    path: 'spec.tags',
    value: { team: 'vision\n' },
    says: ['spec.tags', 'take the other characters out'],
  },
  {
    title: 'thirty-one tags',
    path: 'spec.tags',
    value: Object.fromEntries(Array.from({ length: 31 }, (_, index) => [`t${index}`, ''])),
    says: ['spec.tags', 'must have at most 30 items'],
  },
  {
    title: 'a deletion policy of another name',
    path: 'spec.deletionPolicy',
    value: 'Orphan',
    says: ['spec.deletionPolicy', 'supported values: "Delete", "Retain"'],
  },
  {
    title: 'a misspelt field',
    path: 'spec.scaling.minInstance',
    value: 0,
    says: ['unknown field "spec.scaling.minInstance"'],
  },
  {
    title: "SageMaker's own name for a field",
    path: 'spec.instance.instanceType',
    value: 'ml.g5.2xlarge',
    says: ['unknown field "spec.instance.instanceType"'],
  },
  {
    title: 'a name that is too long for SageMaker',
    path: 'metadata.name',
    value: 'a'.repeat(64),
    says: ['metadata.name', 'may have 63 characters', 'shorten it'],
  },
]

const cluster = testCluster()
const namespace = await cluster.namespace('refusals')

function refuses(kind: string, base: () => Manifest, { title, path, value, says, manifest }: Mistake): void {
  test(`${kind} with ${title} is refused, and the refusal names the field and the remedy`, async (t) => {
    const right = manifest ? manifest(base()) : base()
    // What is right but for the mistake must be accepted, or the refusal could come from something else.
    const accepted = await cluster.create(right, { dryRun: true })
    t.true('accepted' in accepted, JSON.stringify(accepted))

    const outcome = await cluster.create(withField(right, path, value), { dryRun: true })

    if (!('refused' in outcome)) return t.fail('it was accepted')
    for (const part of says) t.true(outcome.refused.includes(part), `«${outcome.refused}» does not say «${part}»`)
  })
}

for (const mistake of IMAGE_MISTAKES) refuses('a ModelImage', () => aModelImage(namespace), mistake)
for (const mistake of ENDPOINT_MISTAKES) refuses('an AsyncInferenceEndpoint', () => anEndpoint(namespace), mistake)
