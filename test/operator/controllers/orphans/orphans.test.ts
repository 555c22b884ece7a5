import { randomUUID } from 'node:crypto'
import { CloudWatch } from '@aws-sdk/client-cloudwatch'
import { SageMaker } from '@aws-sdk/client-sagemaker'
import { SNS } from '@aws-sdk/client-sns'
import test, { type ExecutionContext } from 'ava'
import { ASYNC_INFERENCE_ENDPOINTS } from '../../../../operator/api/names.ts'
import { endpointName } from '../../../../operator/controllers/endpoint/names.ts'
import { MAX_REMOVALS, orphanCollector } from '../../../../operator/controllers/orphans/collector.ts'
import { connect, type KubeClient } from '../../../../operator/kube/client.ts'
import { KubeError } from '../../../../operator/kube/errors.ts'
import { clients } from '../../../../operator/providers/clients.ts'
import { OWNER_TAGS } from '../../../../operator/providers/ownership.ts'
import { regionalProviders } from '../../../../operator/providers/region.ts'
import { testCluster } from '../../../kubernetes.ts'
import { anEndpoint, withField } from '../../api/manifests.ts'
import { eventually } from '../../kube/support.ts'
import { cloudForFile, endpointIn, namesIn, world } from '../world.ts'

const cloud = await cloudForFile()
test.after.always(() => cloud.stop())

const kube = connect({ kubeconfigPath: testCluster().kubeconfigPath })
const IMAGE = '123456789012.dkr.ecr.us-east-1.amazonaws.com/sam-lite:1.0.0'
const ROLE = 'arn:aws:iam::123456789012:role/mooring-execution'
const signal = new AbortController().signal

type Owner = { namespace: string; name: string; uid: string }
type Tag = { Key: string; Value: string }

function tagsOf({ namespace, name, uid }: Owner, cluster: string): Tag[] {
  return [
    { Key: OWNER_TAGS.cluster, Value: cluster },
    { Key: OWNER_TAGS.namespace, Value: namespace },
    { Key: OWNER_TAGS.name, Value: name },
    { Key: OWNER_TAGS.uid, Value: uid },
  ]
}

/** Everything that Mooring makes for an object, without the object. */
async function remains(owner: Owner, cluster: string, { endpoint = endpointName(owner) } = {}) {
  const sagemaker = new SageMaker()
  const base = endpointName(owner)
  const Tags = tagsOf(owner, cluster)
  await sagemaker.createModel({
    ModelName: `${base}-00000001`,
    ExecutionRoleArn: ROLE,
    PrimaryContainer: { Image: IMAGE },
    Tags,
  })
  await sagemaker.createEndpointConfig({
    EndpointConfigName: `${base}-00000002`,
    ProductionVariants: [
      {
        VariantName: 'AllTraffic',
        ModelName: `${base}-00000001`,
        InstanceType: 'ml.m5.xlarge',
        InitialInstanceCount: 1,
      },
    ],
    AsyncInferenceConfig: { OutputConfig: { S3OutputPath: 's3://mooring-demo/output/' } },
    Tags,
  })
  await sagemaker.createEndpoint({ EndpointName: endpoint, EndpointConfigName: `${base}-00000002`, Tags })
  await new CloudWatch().putMetricAlarm({
    AlarmName: `${base}-wake`,
    Namespace: 'AWS/SageMaker',
    MetricName: 'HasBacklogWithoutCapacity',
    Statistic: 'Average',
    Period: 60,
    EvaluationPeriods: 1,
    Threshold: 1,
    ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    Tags,
  })
  const { TopicArn = '' } = await new SNS().createTopic({ Name: `${base}-success`, Tags })
  for (;;) {
    const { EndpointStatus } = await sagemaker.describeEndpoint({ EndpointName: endpoint })
    if (EndpointStatus === 'InService') return { base, topic: TopicArn, all: await left(base) }
  }
}

async function left(base: string): Promise<string[]> {
  const { Topics = [] } = await new SNS().listTopics()
  const topics = Topics.map(({ TopicArn = '' }) => TopicArn.split(':').at(-1) ?? '')
  return [...namesIn(cloud, base), ...topics.filter((name) => name.includes(base))]
}

type Said = { message: string; fields: object }

/** A collector of its own cluster id, so that tests do not see each other's resources. */
async function given(
  t: ExecutionContext,
  options: {
    mode?: 'delete' | 'report'
    scope?: string
    between?: Pick<KubeClient, 'get'>
    objects?: Parameters<typeof orphanCollector>[0]['objects']
    cluster?: string
  } = {},
) {
  const cluster = options.cluster ?? `cluster-${randomUUID()}`
  const aws = clients({ onRequest: () => {}, pathStyle: true })
  t.teardown(async () => aws.close())
  const said: Said[] = []
  const note = (fields: object, message: string) => void said.push({ message, fields })
  const counts: Record<string, number> = {}
  const collector = orphanCollector({
    kube: options.between ?? kube,
    objects: options.objects ?? (() => []),
    scope: { cluster, namespace: options.scope },
    mode: options.mode ?? 'delete',
    regions: ['us-east-1'],
    interval: 3_600_000,
    providers: regionalProviders(aws, Date.now),
    metrics: {
      orphans: (type, count) => {
        counts[type] = count
      },
    },
    log: { info: note, warn: note, error: note },
    random: () => 0.5,
  })
  const namespace = await testCluster().namespace('orphans')
  const owner: Owner = { namespace, name: 'segment', uid: randomUUID() }
  const sweeps = async (times: number) => {
    for (let time = 0; time < times; time++) await collector.sweep(signal)
  }
  return { cluster, owner, sweeps, said, counts }
}

test('what has lost its object is found, and removed by the sweeps after: the endpoint first, then all else', async (t) => {
  const { cluster, owner, sweeps, counts } = await given(t)
  const { base, all } = await remains(owner, cluster)
  t.true(all.length >= 5, all.join())

  await sweeps(1)
  t.deepEqual(await left(base), all, 'one sighting is none')
  t.is(counts.endpoint, 0)

  await sweeps(1)
  t.is(counts.endpoint, 1)
  t.is(counts.topic, 1)
  const after = await left(base)
  t.true(after.includes(`${base}-00000001`) && after.includes(`${base}-00000002`), 'needed until the endpoint is gone')

  while (endpointIn(cloud, base)) await new Promise((resolve) => setTimeout(resolve, 20))
  await sweeps(1)
  t.deepEqual(await left(base), [])
  await sweeps(1)
  t.deepEqual(counts, { endpoint: 0, 'endpoint-config': 0, model: 0, alarm: 0, topic: 0 })
})

test('an endpoint made by the operator whose finalizer somebody took off is removed, with its scaling', async (t) => {
  const w = await world()
  await w.apply()
  await w.ready()
  const name = await w.nameInCloud()
  await w.operator.stop()
  await w.patch({ metadata: { finalizers: null } })
  await w.remove()
  await w.gone()
  t.true(namesIn(cloud, name).length >= 7)
  const uid = await testCluster().kubectl('get', 'namespace', 'kube-system', '-o', 'jsonpath={.metadata.uid}')
  const { sweeps } = await given(t, { cluster: uid, scope: w.namespace })
  await sweeps(2)
  while (endpointIn(cloud, name)) await new Promise((resolve) => setTimeout(resolve, 20))
  await sweeps(1)
  t.deepEqual(namesIn(cloud, name), [])
})

test('the operator itself sweeps while it leads, and counts what it finds', async (t) => {
  const w = await world({
    environment: { MOORING_ORPHAN_SWEEP_SECONDS: '0.5', MOORING_REGIONS: 'us-east-1', MOORING_ORPHANS: 'delete' },
  })
  t.teardown(() => w.stop())
  await w.apply()
  await w.ready()
  const name = await w.nameInCloud()
  await w.operator.stop()
  await w.patch({ metadata: { finalizers: null } })
  await w.remove()
  await w.gone()
  t.true(namesIn(cloud, name).length >= 7)
  await w.restart()
  const orphans = async () =>
    (await (await fetch(`${w.operator.address}/metrics`)).text()).match(/^mooring_orphan.*$/gm)
  await eventually(
    'orphans in the metric',
    async () => (await orphans())?.some((line) => !line.endsWith(' 0')) ?? false,
  )
  await eventually('nothing left', () => namesIn(cloud, name).length === 0)
  await eventually('none in the metric', async () => (await orphans())?.every((line) => line.endsWith(' 0')) ?? false)
  t.is((await orphans())?.length, 5)
})

test('resources of another cluster in the same account are never looked at', async (t) => {
  const { owner, sweeps, counts } = await given(t)
  const { base, all } = await remains(owner, 'another-cluster')
  await sweeps(3)
  t.deepEqual(await left(base), all)
  t.is(counts.endpoint, 0)
})

test('an operator of one namespace leaves what was made for another', async (t) => {
  const { cluster, owner, sweeps, counts } = await given(t, { scope: 'vision' })
  const { base, all } = await remains(owner, cluster)
  await sweeps(3)
  t.deepEqual(await left(base), all)
  t.is(counts.endpoint, 0)
})

for (const [title, error] of [
  ['is down', new TypeError('fetch failed')],
  ['forbids to look', new KubeError(403, 'Forbidden', 'forbidden')],
  ['no longer has the definition', new KubeError(404, 'NotFound', 'the server could not find the requested resource')],
  ['is hidden by a proxy', new KubeError(404, 'Not Found', 'the API server answered 404')],
] as const)
  test(`nothing is removed while the API server ${title}`, async (t) => {
    const { cluster, owner, sweeps, said } = await given(t, { between: { get: () => Promise.reject(error) } })
    const { base, all } = await remains(owner, cluster)
    await sweeps(3)
    t.deepEqual(await left(base), all)
    t.is(said.filter(({ message }) => message.includes('nothing is removed on a doubt')).length, 3)
  })

test('a sweep that failed between two sightings makes the second the first again', async (t) => {
  let down = false
  const between: Pick<KubeClient, 'get'> = {
    get: (resource, key) => (down ? Promise.reject(new TypeError('fetch failed')) : kube.get(resource, key)),
  }
  const { cluster, owner, sweeps } = await given(t, { between })
  const { base, all } = await remains(owner, cluster)
  await sweeps(1)
  down = true
  await sweeps(1)
  down = false
  await sweeps(1)
  t.deepEqual(await left(base), all)
})

test('an object that a stale cache does not know is asked for at the API server', async (t) => {
  const { cluster, owner, sweeps, counts } = await given(t)
  const { metadata } = await kube.create(
    ASYNC_INFERENCE_ENDPOINTS,
    anEndpoint(owner.namespace) as { metadata: { uid?: string } },
    owner.namespace,
  )
  const { base, all } = await remains({ ...owner, uid: metadata.uid ?? '' }, cluster)
  await sweeps(3)
  t.deepEqual(await left(base), all)
  t.is(counts.endpoint, 0)
})

test('an object that is being deleted still has its finalizer at work', async (t) => {
  const { cluster, owner, sweeps } = await given(t)
  const manifest = withField(anEndpoint(owner.namespace), 'metadata.finalizers', ['mooring.dev/finalizer'])
  const { metadata } = await kube.create(
    ASYNC_INFERENCE_ENDPOINTS,
    manifest as { metadata: { uid?: string } },
    owner.namespace,
  )
  await kube.delete(ASYNC_INFERENCE_ENDPOINTS, { namespace: owner.namespace, name: owner.name })
  const { base, all } = await remains({ ...owner, uid: metadata.uid ?? '' }, cluster)
  await sweeps(3)
  t.deepEqual(await left(base), all)
  await kube.mergePatch(ASYNC_INFERENCE_ENDPOINTS, owner, { metadata: { finalizers: null } })
})

test('of an object that was made anew under its old name, only what the old one left is removed', async (t) => {
  const { cluster, owner, sweeps } = await given(t)
  const { metadata } = await kube.create(
    ASYNC_INFERENCE_ENDPOINTS,
    anEndpoint(owner.namespace) as { metadata: { uid?: string } },
    owner.namespace,
  )
  const old = await remains(owner, cluster)
  const present = await remains({ ...owner, uid: metadata.uid ?? '' }, cluster)
  await sweeps(2)
  while (endpointIn(cloud, old.base)) await new Promise((resolve) => setTimeout(resolve, 20))
  await sweeps(1)
  t.deepEqual(await left(old.base), [])
  t.deepEqual(await left(present.base), present.all)
})

for (const [title, uid, cluster] of [
  ['another object', randomUUID(), undefined],
  ['another cluster', undefined, 'another-cluster'],
] as const)
  test.serial(`an endpoint that ${title} has taken over since is not removed, nor what it needs`, async (t) => {
    const { cluster: ours, owner, sweeps } = await given(t)
    const { base, all } = await remains(owner, ours)
    await sweeps(1)
    const ResourceArn = `arn:aws:sagemaker:us-east-1:123456789012:endpoint/${base}`
    const Tags = tagsOf({ ...owner, uid: uid ?? owner.uid }, cluster ?? ours)
    await new SageMaker().addTags({ ResourceArn, Tags })
    cloud.setFault({ operation: 'tagging.GetResources', effect: 'stale' })
    t.teardown(() => cloud.clearFaults())
    await sweeps(3)
    t.deepEqual(await left(base), all)
  })

test.serial('an index of tags that lags behind condemns nothing that has lost its tags since', async (t) => {
  const { cluster, owner, sweeps, counts } = await given(t)
  const { base, topic, all } = await remains(owner, cluster)
  await sweeps(1)
  const TagKeys = Object.values(OWNER_TAGS)
  const arn = (kind: string, name: string) => `arn:aws:sagemaker:us-east-1:123456789012:${kind}/${name}`
  const sagemaker = new SageMaker()
  await sagemaker.deleteTags({ ResourceArn: arn('endpoint', base), TagKeys })
  await sagemaker.deleteTags({ ResourceArn: arn('endpoint-config', `${base}-00000002`), TagKeys })
  await sagemaker.deleteTags({ ResourceArn: arn('model', `${base}-00000001`), TagKeys })
  const alarm = `arn:aws:cloudwatch:us-east-1:123456789012:alarm:${base}-wake`
  await new CloudWatch().untagResource({ ResourceARN: alarm, TagKeys })
  await new SNS().untagResource({ ResourceArn: topic, TagKeys })
  cloud.setFault({ operation: 'tagging.GetResources', effect: 'stale' })
  t.teardown(() => cloud.clearFaults())
  await sweeps(3)
  t.deepEqual(await left(base), all)
  t.deepEqual(counts, { endpoint: 0, 'endpoint-config': 0, model: 0, alarm: 0, topic: 0 })
})

test('an endpoint under a name that Mooring did not give, adopted or copied with its tags, is named and left', async (t) => {
  const { cluster, owner, sweeps, said, counts } = await given(t)
  const { base, all } = await remains(owner, cluster, { endpoint: `legacy-${owner.uid}` })
  await sweeps(3)
  t.is(endpointIn(cloud, `legacy-${owner.uid}`)?.EndpointStatus, 'InService')
  t.deepEqual(await left(base), all, 'the configuration that it serves with stays too')
  t.is(counts.endpoint, 1)
  t.true(said.some(({ message }) => message.includes('left alone: its name')))
})

test('an endpoint that an object refers to is left, whatever its tags say', async (t) => {
  const adopting = { spec: { region: 'us-east-1', adopt: '' }, metadata: { name: 'new', uid: randomUUID() } }
  const { cluster, owner, sweeps } = await given(t, { objects: () => [adopting as never] })
  const { base, all } = await remains(owner, cluster)
  adopting.spec.adopt = base
  await sweeps(3)
  t.deepEqual(await left(base), all)
})

test.serial('an endpoint that is being created is left until SageMaker lets it be deleted', async (t) => {
  const { cluster, owner, sweeps } = await given(t)
  const base = endpointName(owner)
  cloud.setFault({ name: 'endpoint.stuck-creating', subject: base })
  t.teardown(() => cloud.clearFaults())
  const made = remains(owner, cluster)
  while (endpointIn(cloud, base)?.EndpointStatus !== 'Creating') await new Promise((resolve) => setTimeout(resolve, 20))
  await sweeps(3)
  t.is(endpointIn(cloud, base)?.EndpointStatus, 'Creating')
  cloud.clearFaults()
  await made
  await sweeps(2)
  while (endpointIn(cloud, base)) await new Promise((resolve) => setTimeout(resolve, 20))
  await sweeps(1)
  t.deepEqual(await left(base), [])
})

test('where only a report is wanted, orphans are counted and named, and stay', async (t) => {
  const { cluster, owner, sweeps, said, counts } = await given(t, { mode: 'report' })
  const { base, all } = await remains(owner, cluster)
  await sweeps(3)
  t.deepEqual(await left(base), all)
  t.deepEqual(counts, { endpoint: 1, 'endpoint-config': 1, model: 1, alarm: 1, topic: 1 })
  const named = said.filter(({ message }) => message.startsWith('orphaned:'))
  t.is(named.length, 10, 'each, in the second sweep and in the third')
  t.like(named[0]?.fields, { namespace: owner.namespace, name: owner.name, uid: owner.uid })
})

test('one sweep removes a bounded number', async (t) => {
  const { cluster, owner, sweeps } = await given(t)
  const base = endpointName(owner)
  for (let index = 0; index < MAX_REMOVALS + 5; index++)
    await new SageMaker().createModel({
      ModelName: `${base}-${index}`,
      ExecutionRoleArn: ROLE,
      PrimaryContainer: { Image: IMAGE },
      Tags: tagsOf(owner, cluster),
    })
  await sweeps(2)
  t.is(namesIn(cloud, base).length, 5)
  await sweeps(1)
  t.is(namesIn(cloud, base).length, 0)
})

test('what an object with deletionPolicy Retain left behind is nobody’s, and stays', async (t) => {
  const w = await world()
  t.teardown(() => w.stop())
  await w.apply({
    spec: {
      deletionPolicy: 'Retain',
      async: { output: { s3OutputPath: 's3://mooring-demo/output/' }, notifications: { createTopics: true } },
    },
  })
  await w.ready()
  const name = await w.nameInCloud()
  const before = namesIn(cloud, name)
  await w.remove()
  await w.gone()
  const uid = await testCluster().kubectl('get', 'namespace', 'kube-system', '-o', 'jsonpath={.metadata.uid}')
  const { sweeps, counts } = await given(t, { cluster: uid, scope: w.namespace })
  await sweeps(3)
  t.deepEqual(namesIn(cloud, name), before)
  t.deepEqual(counts, { endpoint: 0, 'endpoint-config': 0, model: 0, alarm: 0, topic: 0 }, 'no tags of ours are left')
})
