import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'

const ROOT = join(import.meta.dirname, '..', '..')

type Conditions = Record<string, Record<string, string | string[]>>
type Statement = {
  Sid: string
  Effect: string
  Action: string | string[]
  Resource: string | string[]
  Condition?: Conditions
}

const policy = JSON.parse(await readFile(join(ROOT, 'docs', 'iam-policy.json'), 'utf8')) as { Statement: Statement[] }
const list = (value: string | string[]) => (Array.isArray(value) ? value : [value])

/** IAM's prefix for the actions of each SDK client that providers import. */
const PREFIXES: Record<string, string> = {
  sagemaker: 'sagemaker',
  'sagemaker-runtime': 'sagemaker',
  'application-auto-scaling': 'application-autoscaling',
  cloudwatch: 'cloudwatch',
  'cloudwatch-logs': 'logs',
  ecr: 'ecr',
  s3: 's3',
  sns: 'sns',
  sqs: 'sqs',
  pricing: 'pricing',
  'resource-groups-tagging-api': 'tag',
}
/** Operations whose action has another name. */
const RENAMED: Record<string, string> = {
  's3:HeadObject': 's3:GetObject',
  's3:HeadBucket': 's3:ListBucket',
  'sqs:DeleteMessageBatch': 'sqs:DeleteMessage',
}
/** Actions that no operation of the providers names, and why they are needed all the same. */
const BESIDES: Record<string, string> = {
  'iam:PassRole': 'CreateModel gives SageMaker the execution role',
  'iam:CreateServiceLinkedRole': 'RegisterScalableTarget makes the service-linked role of Application Auto Scaling',
  'sagemaker:AddTags': 'Create* with tags',
  'sagemaker:UpdateEndpointWeightsAndCapacities': 'RegisterScalableTarget',
  'cloudwatch:TagResource': 'PutMetricAlarm with tags',
  'sagemaker:ListEndpoints': 'one look at all endpoints of a region',
  'application-autoscaling:DescribeScheduledActions': 'spec.scaling.schedule',
  'application-autoscaling:PutScheduledAction': 'spec.scaling.schedule',
  'application-autoscaling:DeleteScheduledAction': 'spec.scaling.schedule',
  'pricing:GetProducts': 'prices',
  'sqs:ReceiveMessage': 'endpoint state changes',
  'sqs:DeleteMessage': 'endpoint state changes',
}

/** Every action that the operations in operator/providers need: the types there list each as `name: Operation<Input, Output>`. */
async function needed(): Promise<Map<string, string>> {
  const folder = join(ROOT, 'operator', 'providers')
  const actions = new Map<string, string>()
  for (const file of await readdir(folder)) {
    const text = await readFile(join(folder, file), 'utf8')
    const clientOf = new Map<string, string>()
    for (const [, names = '', client = ''] of text.matchAll(
      /import (?:type )?\{([^}]*)\} from '@aws-sdk\/client-([\w-]+)'/g,
    ))
      for (const name of names.split(',')) clientOf.set(name.trim().split(' as ').at(-1) ?? '', client)
    for (const [, method = '', input = ''] of text.matchAll(/(\w+): Operation<\s*(\w+),/g)) {
      const client = clientOf.get(input) ?? ''
      const action = `${PREFIXES[client]}:${method.charAt(0).toUpperCase()}${method.slice(1)}`
      actions.set(RENAMED[action] ?? action, `${file} ${method} of ${client}`)
    }
  }
  return actions
}

type Request = { action: string; resource: string; resourceTag?: string; requestTag?: string; passedTo?: string }

/** IAM's evaluation, as far as this policy uses it: Allow statements, wildcards in resources, StringEquals. */
function allows({ action, resource, ...context }: Request): boolean {
  const values: Record<string, string | undefined> = {
    'aws:ResourceTag/mooring.dev/cluster': context.resourceTag,
    'aws:RequestTag/mooring.dev/cluster': context.requestTag,
    'iam:PassedToService': context.passedTo,
    'iam:AWSServiceName': 'sagemaker.application-autoscaling.amazonaws.com',
    'application-autoscaling:service-namespace': 'sagemaker',
  }
  return policy.Statement.some(({ Effect, Action, Resource, Condition = {} }) => {
    const conditions = Object.entries(Condition).flatMap(([operator, keys]) =>
      Object.entries(keys).map(([key, wanted]) => {
        if (operator !== 'StringEquals' || !(key in values)) throw new Error(`${operator} ${key} is not evaluated here`)
        return list(wanted).includes(values[key] ?? '')
      }),
    )
    const fits = list(Resource).some((pattern) => {
      const expression = pattern.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll('*', '.*')
      return new RegExp(`^${expression}$`).test(resource)
    })
    return Effect === 'Allow' && list(Action).includes(action) && fits && conditions.every(Boolean)
  })
}

const arn = (service: string, rest: string) => `arn:aws:${service}:us-east-1:ACCOUNT_ID:${rest}`
const ENDPOINT = arn('sagemaker', 'endpoint/vision-segment-1a2b3c4d')
const CONFIG = arn('sagemaker', 'endpoint-config/vision-segment-1a2b3c4d-00000001')
const MODEL = arn('sagemaker', 'model/vision-segment-1a2b3c4d-00000002')
const ALARM = arn('cloudwatch', 'alarm:vision-segment-1a2b3c4d-wake')
const TOPIC = arn('sns', 'vision-segment-1a2b3c4d-error')
/** One of each that the operator deals with. */
const RESOURCES = [
  ENDPOINT,
  CONFIG,
  MODEL,
  ALARM,
  TOPIC,
  arn('application-autoscaling', 'scalable-target/0a1b'),
  arn('ecr', 'repository/sam-lite'),
  arn('logs', 'log-group:/aws/sagemaker/Endpoints/vision-segment-1a2b3c4d:log-stream:AllTraffic/i-1'),
  'arn:aws:s3:::BUCKET',
  'arn:aws:s3:::BUCKET/output/1.out',
  arn('sqs', 'QUEUE'),
  'arn:aws:iam::ACCOUNT_ID:role/EXECUTION_ROLE',
  'arn:aws:iam::ACCOUNT_ID:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint',
  '*',
]
const OURS = { resourceTag: 'CLUSTER_ID', requestTag: 'CLUSTER_ID', passedTo: 'sagemaker.amazonaws.com' }

test('every operation that the providers list is allowed on what is the cluster’s own', async (t) => {
  const actions = await needed()
  t.true(actions.size > 30, 'the operations were found')
  t.deepEqual(
    [...actions.keys()].filter((action) => action.startsWith('undefined')),
    [],
    'of clients without a prefix',
  )
  const missing = [...actions].filter(
    ([action]) => !RESOURCES.some((resource) => allows({ action, resource, ...OURS })),
  )
  t.deepEqual(missing, [], 'add what is missing to docs/iam-policy.json and docs/iam.md')
})

test('nothing is allowed that no operation needs', async (t) => {
  const actions = await needed()
  const spare = policy.Statement.flatMap(({ Action }) => list(Action)).filter(
    (action) => !actions.has(action) && !BESIDES[action],
  )
  t.deepEqual(spare, [])
})

for (const [action, resource] of [
  ['sagemaker:DeleteEndpoint', ENDPOINT],
  ['sagemaker:UpdateEndpoint', ENDPOINT],
  ['sagemaker:InvokeEndpointAsync', ENDPOINT],
  ['sagemaker:DeleteTags', ENDPOINT],
  ['sagemaker:DeleteEndpointConfig', CONFIG],
  ['sagemaker:DeleteModel', MODEL],
  ['sns:DeleteTopic', TOPIC],
  ['sns:SetTopicAttributes', TOPIC],
] as const)
  test(`${action} reaches what carries this cluster's tag, nobody else's`, (t) => {
    t.true(allows({ action, resource, resourceTag: 'CLUSTER_ID' }))
    t.false(allows({ action, resource, resourceTag: 'another' }))
    t.false(allows({ action, resource }))
  })

test('nothing is made without the cluster’s tag', (t) => {
  for (const [action, resource] of [
    ['sagemaker:CreateModel', MODEL],
    ['sagemaker:CreateEndpointConfig', CONFIG],
    ['sagemaker:CreateEndpoint', ENDPOINT],
    ['sns:CreateTopic', TOPIC],
  ] as const) {
    t.true(allows({ action, resource, requestTag: 'CLUSTER_ID' }), action)
    t.false(allows({ action, resource, requestTag: 'another' }), action)
    t.false(allows({ action, resource }), action)
  }
})

test('operations that are checked on two resources are allowed on both', (t) => {
  t.true(allows({ action: 'sagemaker:CreateEndpoint', resource: CONFIG, requestTag: 'CLUSTER_ID' }))
  t.true(allows({ action: 'sagemaker:UpdateEndpoint', resource: CONFIG }), 'the configuration may be an adopted one’s')
})

test('alarms are reached by name, whether they are there or not; others are out of reach', (t) => {
  for (const action of ['cloudwatch:DeleteAlarms', 'cloudwatch:PutMetricAlarm', 'cloudwatch:UntagResource']) {
    t.true(allows({ action, resource: ALARM }), action)
    t.false(allows({ action, resource: arn('cloudwatch', 'alarm:billing') }), action)
  }
})

test('the execution role can be given to SageMaker only, and no other role at all', (t) => {
  const role = 'arn:aws:iam::ACCOUNT_ID:role/EXECUTION_ROLE'
  t.true(allows({ action: 'iam:PassRole', resource: role, passedTo: 'sagemaker.amazonaws.com' }))
  t.false(allows({ action: 'iam:PassRole', resource: role, passedTo: 'ec2.amazonaws.com' }))
  const admin = 'arn:aws:iam::ACCOUNT_ID:role/admin'
  t.false(allows({ action: 'iam:PassRole', resource: admin, passedTo: 'sagemaker.amazonaws.com' }))
})

test('the page explains every statement', async (t) => {
  const page = await readFile(join(ROOT, 'docs', 'iam.md'), 'utf8')
  for (const { Sid } of policy.Statement) t.true(page.includes(`\`${Sid}\``), Sid)
})
