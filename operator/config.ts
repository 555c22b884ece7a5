import { hostname } from 'node:os'
import type { Intervals } from './controllers/intervals.ts'
import { type LeaderElectionTiming, leaderElectionTiming } from './kube/leader-election.ts'
import { regionOfQueue } from './providers/event-queue.ts'
import { DEFAULT_RATES, FAMILIES, type Family, MAX_RATE, MIN_RATE, type Rates } from './providers/rate-limits.ts'

/** What the operator is told by its environment. Frozen. */
export type Config = {
  /** Only this namespace; undefined for all. */
  namespace: string | undefined
  /** Written into a tag of everything made in AWS; undefined for the cluster's own, see cluster-id.ts. */
  clusterId: string | undefined
  http: { address: string; port: number }
  leaderElection: {
    enabled: boolean
    namespace: string
    identity: string
    /** How long a lease outlives its holder, and what follows from it. */
    timing: Partial<LeaderElectionTiming>
  }
  intervals: Intervals
  /** For everything created in AWS; the object's own tags win. */
  defaultTags: { Key: string; Value: string }[]
  orphans: {
    mode: 'delete' | 'report' | 'off'
    /** Between sweeps, in milliseconds. */
    interval: number
    /** Swept beside those that objects name. */
    regions: string[]
  }
  /** Where prices come from, before the table that comes along: a file, and AWS's Price List where it may be asked. */
  prices: { file: string | undefined; priceList: boolean }
  /** What the objects of a namespace may use: a file; undefined for no limits. */
  approvedFile: string | undefined
  /** Registries that are spoken to without TLS, as host or host:port. */
  plainHttpRegistries: string[]
  /** The SQS queue that EventBridge sends endpoint state changes to, where there is one. */
  eventQueue: { url: string; region: string } | undefined
  /** Which image holds the probe of contract tests, the operator's own; undefined where none are run. */
  contractTest: { image: string | undefined; pullPolicy: 'Always' | 'IfNotPresent' | 'Never' }
  /** Calls to AWS a second that are never exceeded, in each region. */
  awsRates: Rates
  /** How many objects of a kind are worked on at once. */
  workers: number
  logLevel: string
  kubeconfigPath: string | undefined
  /** Whether AWS_ENDPOINT_URL is set: the SDK reads the address itself, but S3 must then be addressed by path. */
  customEndpoint: boolean
}

type Environment = Record<string, string | undefined>

/** @throws Error that names every variable that is wrong, and what it may be. */
export function readConfig(environment: Environment): Config {
  const mistakes: string[] = []
  const text = (name: string, fallback: string) => environment[name]?.trim() || fallback
  const number = (name: string, fallback: number, { min, max, whole = false }: Range) => {
    const value = Number(text(name, String(fallback)))
    if (value >= min && value <= max && (!whole || Number.isInteger(value))) return value
    mistakes.push(`${name} must be a ${whole ? 'whole ' : ''}number from ${min} to ${max}`)
    return fallback
  }
  const oneOf = <const T extends string>(name: string, fallback: T, allowed: readonly T[]): T => {
    const value = allowed.find((candidate) => candidate === text(name, fallback))
    if (value === undefined) mistakes.push(`${name} must be one of ${allowed.join(', ')}`)
    return value ?? fallback
  }
  const seconds = (name: string, fallback: number) => number(name, fallback, { min: 0.01, max: 86_400 }) * 1000

  const clusterId = text('MOORING_CLUSTER_ID', '') || undefined
  if (clusterId && !/^[\w.:/=+@-]{1,128}$/.test(clusterId))
    mistakes.push('MOORING_CLUSTER_ID must be 1 to 128 letters, digits and _.:/=+-@, as an AWS tag is')
  const regions = text('MOORING_REGIONS', '')
    .split(',')
    .map((region) => region.trim())
    .filter((region) => region !== '')
  if (regions.length > MAX_REGIONS || regions.some((region) => !/^[a-z]{2}(-[a-z]+)+-[0-9]+$/.test(region)))
    mistakes.push(
      `MOORING_REGIONS must be at most ${MAX_REGIONS} AWS regions with commas between them, such as us-east-1,eu-west-1`,
    )
  const defaultTags = text('MOORING_DEFAULT_TAGS', '')
    .split(',')
    .filter((pair) => pair.trim() !== '')
    .map((pair) => {
      const [key = '', ...value] = pair.split('=')
      return { Key: key.trim(), Value: value.join('=').trim() }
    })
  mistakes.push(...mistakesInTags(defaultTags))
  const queueUrl = text('MOORING_EVENT_QUEUE_URL', '')
  const queueRegion = text('MOORING_EVENT_QUEUE_REGION', regionOfQueue(queueUrl) ?? text('AWS_REGION', ''))
  if (queueUrl && !/^https?:\/\/[^/]+\/\d{12}\/[\w-]{1,80}$/.test(queueUrl))
    mistakes.push(
      'MOORING_EVENT_QUEUE_URL must be the URL of an SQS standard queue, such as https://sqs.us-east-1.amazonaws.com/123456789012/mooring',
    )
  else if (queueUrl && !queueRegion) mistakes.push('MOORING_EVENT_QUEUE_REGION must name the region of the event queue')
  const awsRates = readRates(text('MOORING_AWS_RATES', ''))
  if (typeof awsRates === 'string') mistakes.push(awsRates)
  const plainHttpRegistries = text('MOORING_PLAIN_HTTP_REGISTRIES', '')
    .split(',')
    .map((host) => host.trim())
    .filter((host) => host !== '')
  if (
    plainHttpRegistries.length > MAX_REGISTRIES ||
    plainHttpRegistries.some((host) => !/^[\w.-]+(:\d{1,5})?$/.test(host))
  )
    mistakes.push(
      `MOORING_PLAIN_HTTP_REGISTRIES must be at most ${MAX_REGISTRIES} hosts with commas between them, such as registry.internal:5000`,
    )
  const config: Config = {
    namespace: text('MOORING_NAMESPACE', '') || undefined,
    clusterId,
    http: {
      address: text('MOORING_HTTP_ADDRESS', '0.0.0.0'),
      port: number('MOORING_HTTP_PORT', 8080, { min: 0, max: 65_535, whole: true }),
    },
    leaderElection: {
      enabled: oneOf('MOORING_LEADER_ELECTION', 'false', ['true', 'false']) === 'true',
      namespace: text('MOORING_LEASE_NAMESPACE', 'default'),
      // The process id tells a restarted process on the same host from the one before.
      identity: `${hostname()}_${process.pid}`,
      timing: leaderElectionTiming(
        1000 * number('MOORING_LEASE_DURATION_SECONDS', 15, { min: 3, max: 3600, whole: true }),
      ),
    },
    intervals: {
      inFlight: seconds('MOORING_POLL_IN_FLIGHT_SECONDS', 20),
      settled: seconds('MOORING_POLL_SETTLED_SECONDS', 300),
      deleting: seconds('MOORING_POLL_DELETING_SECONDS', 15),
      verify: seconds('MOORING_VERIFY_SECONDS', 3600),
    },
    defaultTags,
    orphans: {
      // Two clusters may have been given the same id: then each sees the other's as orphans. By its own UID a cluster is unmistakable.
      mode: oneOf('MOORING_ORPHANS', clusterId ? 'report' : 'delete', ['delete', 'report', 'off']),
      interval: seconds('MOORING_ORPHAN_SWEEP_SECONDS', 3600),
      regions,
    },
    prices: {
      file: text('MOORING_PRICES_FILE', '') || undefined,
      priceList: oneOf('MOORING_PRICE_LIST', 'false', ['true', 'false']) === 'true',
    },
    approvedFile: text('MOORING_APPROVED_FILE', '') || undefined,
    plainHttpRegistries,
    eventQueue: queueUrl ? { url: queueUrl, region: queueRegion } : undefined,
    contractTest: {
      image: text('MOORING_CONTRACT_TEST_IMAGE', '') || undefined,
      pullPolicy: oneOf('MOORING_CONTRACT_TEST_PULL_POLICY', 'IfNotPresent', ['Always', 'IfNotPresent', 'Never']),
    },
    awsRates: typeof awsRates === 'string' ? DEFAULT_RATES : awsRates,
    workers: number('MOORING_WORKERS', 8, { min: 1, max: 256, whole: true }),
    logLevel: oneOf('LOG_LEVEL', 'info', ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
    kubeconfigPath: text('KUBECONFIG', '') || undefined,
    customEndpoint: Object.keys(environment).some((name) => /^AWS_ENDPOINT_URL(_S3)?$/.test(name) && environment[name]),
  }
  if (mistakes.length > 0) throw new Error(`The environment is not right: ${mistakes.join('; ')}.`)
  return deepFreeze(config)
}

/** More than AWS has. */
const MAX_REGIONS = 64

const MAX_REGISTRIES = 64

/** AWS allows 50 tags: five are Mooring's, 30 the object's own. */
const MAX_DEFAULT_TAGS = 15

function mistakesInTags(tags: Config['defaultTags']): string[] {
  const keys = tags.map(({ Key }) => Key)
  const wrong =
    tags.length > MAX_DEFAULT_TAGS ||
    new Set(keys).size < keys.length ||
    keys.some((key) => !/^[\p{L}\p{Z}\p{N}_.:/=+@-]{1,128}$/u.test(key) || /^(aws:|mooring\.dev\/)/i.test(key)) ||
    tags.some(({ Value }) => !/^[\p{L}\p{Z}\p{N}_.:/=+@-]{0,256}$/u.test(Value))
  return wrong
    ? [
        `MOORING_DEFAULT_TAGS must be at most ${MAX_DEFAULT_TAGS} pairs key=value with commas between them, as AWS allows them in tags; keys must differ, and not start with aws: or mooring.dev/`,
      ]
    : []
}

/** The mistake, or the rates. */
function readRates(text: string): Rates | string {
  const rates: Record<Family, number> = { ...DEFAULT_RATES }
  for (const pair of text.split(',').filter((part) => part.trim() !== '')) {
    const [name = '', value = ''] = pair.split('=').map((part) => part.trim())
    const family = FAMILIES.find((known) => known === name)
    const rate = Number(value)
    if (!family || !(rate >= MIN_RATE && rate <= MAX_RATE))
      return `MOORING_AWS_RATES must be pairs family=calls a second with commas between them, such as sagemaker-read=10; the families are ${FAMILIES.join(', ')}, the rates from ${MIN_RATE} to ${MAX_RATE}`
    rates[family] = rate
  }
  return rates
}

type Range = { min: number; max: number; whole?: boolean }

function deepFreeze<T extends object>(value: T): T {
  for (const member of Object.values(value)) if (typeof member === 'object' && member !== null) deepFreeze(member)
  return Object.freeze(value)
}
