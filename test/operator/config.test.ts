import test from 'ava'
import { readConfig } from '../../operator/config.ts'

test('an empty environment is a working configuration, which cannot be changed', (t) => {
  const config = readConfig({})
  t.like(config, {
    namespace: undefined,
    clusterId: undefined,
    http: { address: '0.0.0.0', port: 8080 },
    leaderElection: { enabled: false, timing: { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 } },
    intervals: { inFlight: 20_000, settled: 300_000, deleting: 15_000, verify: 3_600_000 },
    prices: { file: undefined, priceList: false },
    workers: 8,
    customEndpoint: false,
  })
  t.throws(() => Object.assign(config.intervals, { settled: 1 }))
})

test('intervals may be fractions of a second', (t) => {
  t.is(readConfig({ MOORING_POLL_IN_FLIGHT_SECONDS: '0.25' }).intervals.inFlight, 250)
})

test('every mistake is named at once, with what the variable may be', (t) => {
  const error = t.throws(() =>
    readConfig({
      MOORING_WORKERS: '0',
      MOORING_LEADER_ELECTION: 'yes',
      MOORING_LEASE_DURATION_SECONDS: '1',
      LOG_LEVEL: 'loud',
      MOORING_CLUSTER_ID: 'a b',
    }),
  )
  for (const part of [
    'MOORING_WORKERS must be a whole number from 1 to 256',
    'MOORING_LEADER_ELECTION must be one of true, false',
    'MOORING_LEASE_DURATION_SECONDS must be a whole number from 3 to 3600',
    'LOG_LEVEL must be one of',
    'MOORING_CLUSTER_ID must be',
  ])
    t.true(error?.message.includes(part), part)
})

test('a chart’s empty values are as good as none', (t) => {
  t.is(readConfig({ MOORING_NAMESPACE: '', KUBECONFIG: '' }).namespace, undefined)
})

test('S3 is addressed by path where an endpoint URL is given, whether for all services or for S3', (t) => {
  t.true(readConfig({ AWS_ENDPOINT_URL: 'http://127.0.0.1:4566' }).customEndpoint)
  t.true(readConfig({ AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:4566' }).customEndpoint)
})

test('orphans are deleted by the cluster that is known by its own UID; one under a given id reports them until told otherwise', (t) => {
  t.is(readConfig({}).orphans.mode, 'delete')
  t.is(readConfig({ MOORING_CLUSTER_ID: 'shared' }).orphans.mode, 'report')
  t.is(readConfig({ MOORING_CLUSTER_ID: 'shared', MOORING_ORPHANS: 'delete' }).orphans.mode, 'delete')
  t.deepEqual(readConfig({ MOORING_REGIONS: 'us-east-1, eu-west-1' }).orphans.regions, ['us-east-1', 'eu-west-1'])
  const error = t.throws(() => readConfig({ MOORING_REGIONS: 'us-east-1a', MOORING_ORPHANS: 'yes' }))
  t.regex(error.message, /MOORING_REGIONS must be .*; MOORING_ORPHANS must be one of delete, report, off/)
})

test('default tags are pairs, in the characters of AWS, under no key of Mooring’s', (t) => {
  t.deepEqual(readConfig({ MOORING_DEFAULT_TAGS: 'team=vision, cost-center=42,note=a=b,' }).defaultTags, [
    { Key: 'team', Value: 'vision' },
    { Key: 'cost-center', Value: '42' },
    { Key: 'note', Value: 'a=b' },
  ])
  const many = Array.from({ length: 16 }, (_, index) => `key${index}=x`).join()
  for (const wrong of ['=x', 'a=1,a=2', 'mooring.dev/uid=x', 'AWS:x=y', 'a=<b>', `${'k'.repeat(129)}=x`, many])
    t.throws(() => readConfig({ MOORING_DEFAULT_TAGS: wrong }), { message: /MOORING_DEFAULT_TAGS must be/ }, wrong)
})

test('rates of calls to AWS are set by family; a mistake names the families', (t) => {
  t.like(readConfig({ MOORING_AWS_RATES: 'sagemaker-read=10, autoscaling=0.5' }).awsRates, {
    'sagemaker-read': 10,
    'sagemaker-write': 50,
    autoscaling: 0.5,
  })
  for (const wrong of ['sagemaker=10', 'sagemaker-read', 'sagemaker-read=0', 'sagemaker-read=fast'])
    t.throws(() => readConfig({ MOORING_AWS_RATES: wrong }), { message: /MOORING_AWS_RATES .*sagemaker-write/ }, wrong)
})

test('the event queue is in the region that its URL names, unless told otherwise', (t) => {
  const url = 'https://sqs.eu-west-1.amazonaws.com/123456789012/mooring'
  t.is(readConfig({}).eventQueue, undefined)
  t.deepEqual(readConfig({ MOORING_EVENT_QUEUE_URL: url }).eventQueue, { url, region: 'eu-west-1' })
  t.is(
    readConfig({ MOORING_EVENT_QUEUE_URL: url, MOORING_EVENT_QUEUE_REGION: 'us-east-1' }).eventQueue?.region,
    'us-east-1',
  )
  const elsewhere = 'http://127.0.0.1:4566/000000000000/mooring'
  t.throws(() => readConfig({ MOORING_EVENT_QUEUE_URL: elsewhere }), { message: /MOORING_EVENT_QUEUE_REGION/ })
  t.throws(() => readConfig({ MOORING_EVENT_QUEUE_URL: 'mooring' }), { message: /MOORING_EVENT_QUEUE_URL/ })
})

test('contract tests are run only where an image for their probe is named', (t) => {
  t.is(readConfig({}).contractTest.image, undefined)
  const environment = { MOORING_CONTRACT_TEST_IMAGE: 'mooring-operator:1', MOORING_CONTRACT_TEST_PULL_POLICY: 'Never' }
  t.deepEqual(readConfig(environment).contractTest, { image: 'mooring-operator:1', pullPolicy: 'Never' })
  t.throws(() => readConfig({ MOORING_CONTRACT_TEST_PULL_POLICY: 'Sometimes' }), {
    message: /MOORING_CONTRACT_TEST_PULL_POLICY must be one of Always, IfNotPresent, Never/,
  })
})
