import test from 'ava'
import { readConfig } from '../../operator/config.ts'

test('an empty environment is a working configuration, which cannot be changed', (t) => {
  const config = readConfig({})
  t.like(config, {
    namespace: undefined,
    clusterId: 'default',
    http: { address: '0.0.0.0', port: 8080 },
    leaderElection: { enabled: false },
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
    readConfig({ MOORING_WORKERS: '0', MOORING_LEADER_ELECTION: 'yes', LOG_LEVEL: 'loud', MOORING_CLUSTER_ID: 'a b' }),
  )
  for (const part of [
    'MOORING_WORKERS must be a whole number from 1 to 256',
    'MOORING_LEADER_ELECTION must be one of true, false',
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
