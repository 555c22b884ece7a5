import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Clock, scaledClock } from '../../../local/clock.ts'
import { faultBoard } from '../../../local/faults.ts'
import type { AlarmState, Call, JsonObject, LocalImage } from '../../../local/service.ts'
import { type SagemakerDelays, sagemakerService } from '../../../local/services/sagemaker/index.ts'
import { sagemakerRuntimeService } from '../../../local/services/sagemaker-runtime/index.ts'

export const REGION = 'us-east-1'
export const ACCOUNT = '123456789012'
export const ROLE = `arn:aws:iam::${ACCOUNT}:role/execution`
export const REGISTRY = `${ACCOUNT}.dkr.ecr.${REGION}.amazonaws.com`
export const arn = (kind: string, name: string) => `arn:aws:sagemaker:${REGION}:${ACCOUNT}:${kind}/${name}`
export const topic = (name: string) => `arn:aws:sns:${REGION}:${ACCOUNT}:${name}`

const NO_DELAYS: SagemakerDelays = {
  creating: 0,
  updating: 0,
  deleting: 0,
  instanceStart: 0,
  startupLimit: 120_000,
  terminationGrace: 30_000,
}
const EMPTY = image('empty', [])
const ECHO = image('echo', [process.execPath, join(import.meta.dirname, '..', 'fixtures', 'echo-server.ts')])

export function image(repository: string, command: string[], environment: Record<string, string> = {}): LocalImage {
  const digest = `sha256:${Buffer.from(repository).toString('hex').padEnd(64, '0').slice(0, 64)}`
  return { repository, digest, command, cwd: import.meta.dirname, environment }
}

export type Metric = { name: string; value: number; dimensions: Record<string, string> }

type ConfigOverrides = { repository?: string; container?: JsonObject; variant?: JsonObject; async?: JsonObject | false }

/** SageMaker and its runtime, with a small working stand-in for each of their neighbours. */
export function world(
  t: { teardown(fn: () => Promise<void>): void },
  options: {
    clock?: Clock
    delays?: Partial<SagemakerDelays>
    metricPeriod?: number
    images?: LocalImage[]
    random?: () => number
  } = {},
) {
  const images = new Map([EMPTY, ECHO, ...(options.images ?? [])].map((each) => [each.repository, each]))
  const objects = new Map<string, { body: Uint8Array; contentType?: string }>()
  const published: { topic: string; message: JsonObject }[] = []
  const refusedTopics = new Set<string>()
  const metrics: Metric[] = []
  const logs = new Map<string, string[]>()
  const targets = new Set<string>()
  const alarms = new Map<string, AlarmState>()
  const alarmListeners = new Set<() => void>()
  const faults = faultBoard()
  const environment = {
    clock: options.clock ?? scaledClock(1),
    accountId: ACCOUNT,
    region: REGION,
    faults,
    metrics: { put: (metric: Metric) => void metrics.push(metric) },
    logs: {
      append(group: string, stream: string, message: string) {
        const key = `${group}:${stream}`
        logs.set(key, [...(logs.get(key) ?? []), message])
      },
    },
  }
  const notifier = {
    async publish(topicArn: string, message: string) {
      if (refusedTopics.has(topicArn)) throw new Error('AuthorizationError')
      published.push({ topic: topicArn, message: JSON.parse(message) as JsonObject })
    },
  }
  const store = {
    get: async (uri: string) => objects.get(uri),
    async put(uri: string, body: Uint8Array, contentType: string) {
      if (uri.startsWith('s3://refused/')) throw new Error('AccessDenied')
      objects.set(uri, { body, contentType })
    },
  }
  const sagemaker = sagemakerService({
    ...environment,
    images: {
      find(uri) {
        const repository = uri.slice(REGISTRY.length + 1).replace(/[:@].*$/, '')
        const found = images.get(repository)
        return uri.includes('@') && found && !uri.endsWith(found.digest) ? undefined : found
      },
    },
    scalableTargets: {
      has: (endpointName, variantName) => targets.has(`${endpointName}/${variantName}`),
      deregister(endpointName) {
        for (const target of targets) if (target.startsWith(`${endpointName}/`)) targets.delete(target)
      },
    },
    notifier,
    objects: store,
    alarms: {
      stateOf: (name) => alarms.get(name),
      onState(listener) {
        alarmListeners.add(listener)
        return () => alarmListeners.delete(listener)
      },
    },
    delays: { ...NO_DELAYS, ...options.delays },
    containerEnvironment: () => ({
      AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: 'local',
    }),
  })
  const runtime = sagemakerRuntimeService({
    ...environment,
    endpoints: sagemaker.endpoints,
    objects: store,
    notifier,
    delays: { metricPeriod: options.metricPeriod ?? 0 },
    ...(options.random ? { random: options.random } : {}),
  })

  const call = async (operation: string, input: JsonObject = {}): Promise<JsonObject> => {
    const service = operation.startsWith('InvokeEndpoint') ? runtime : sagemaker
    const handler = service.operations[operation]
    if (!handler) throw new Error(`no operation ${operation}`)
    const request: Call = {
      service: service.name,
      operation,
      region: REGION,
      accountId: ACCOUNT,
      input,
      requestId: 'test',
    }
    return handler(request)
  }
  const describe = (name: string) => call('DescribeEndpoint', { EndpointName: name })

  const self = {
    sagemaker,
    runtime,
    images,
    objects,
    published,
    refusedTopics,
    metrics,
    targets,
    alarm(name: string, state: AlarmState) {
      alarms.set(name, state)
      for (const listener of [...alarmListeners]) listener()
    },
    alarmListeners,
    faults,
    clock: environment.clock,
    call,
    describe,
    lines: (name: string) =>
      [...logs].filter(([key]) => key.startsWith(`/aws/sagemaker/Endpoints/${name}:`)).flatMap(([, lines]) => lines),
    linesOf: (name: string, stream: string) => logs.get(`/aws/sagemaker/Endpoints/${name}:${stream}`) ?? [],
    streams: (name: string) =>
      [...logs.keys()].flatMap((key) =>
        key.startsWith(`/aws/sagemaker/Endpoints/${name}:`) ? [key.split(':')[1] ?? ''] : [],
      ),
    async model(name: string, repository = 'empty', container: JsonObject = {}): Promise<void> {
      await call('CreateModel', {
        ModelName: name,
        ExecutionRoleArn: ROLE,
        PrimaryContainer: { Image: `${REGISTRY}/${repository}:latest`, ...container },
      })
    },
    /** A model `<name>` and a configuration `<name>` of one variant AllTraffic. */
    async config(name: string, of: ConfigOverrides = {}) {
      await self.model(name, of.repository, of.container)
      const async = of.async ?? {
        OutputConfig: { S3OutputPath: 's3://bucket/out', S3FailurePath: 's3://bucket/failed' },
      }
      await call('CreateEndpointConfig', {
        EndpointConfigName: name,
        ProductionVariants: [
          {
            VariantName: 'AllTraffic',
            ModelName: name,
            InstanceType: 'ml.m5.xlarge',
            InitialInstanceCount: 1,
            ...of.variant,
          },
        ],
        ...(async ? { AsyncInferenceConfig: async } : {}),
      })
    },
    async endpoint(name: string, of: ConfigOverrides = {}): Promise<void> {
      await self.config(name, of)
      await call('CreateEndpoint', { EndpointName: name, EndpointConfigName: name })
      await self.until(name, 'InService')
    },
    /** Waits until the endpoint has left its transition for `status`. */
    async until(name: string, status: string): Promise<JsonObject> {
      return eventually(async () => {
        const seen = await describe(name)
        return seen.EndpointStatus === status ? seen : undefined
      }, `endpoint ${name} to be ${status}`)
    },
    async gone(name: string): Promise<void> {
      await eventually(
        () =>
          describe(name).then(
            () => undefined,
            () => true,
          ),
        `endpoint ${name} to be gone`,
      )
    },
  }
  t.teardown(async () => {
    await runtime.stop()
    await sagemaker.stop()
  })
  return self
}

export type World = ReturnType<typeof world>

/** Polls until `probe` returns something; the limit only ends a hang. */
export async function eventually<T>(probe: () => T | undefined | Promise<T | undefined>, what: string): Promise<T> {
  const deadline = Date.now() + 120_000
  while (Date.now() < deadline) {
    const seen = await probe()
    if (seen !== undefined && seen !== false) return seen
    await delay(20)
  }
  throw new Error(`waited in vain for ${what}`)
}

/** Whether a process still runs; a zombie that its new parent has not reaped yet does not. */
export function running(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z'
  } catch {
    return process.platform !== 'linux'
  }
}

/** Waits for processes to be gone: SIGKILL takes effect a moment after it is sent. */
export async function ended(pids: readonly number[]): Promise<void> {
  for (const pid of pids) await eventually(() => !running(pid) || undefined, `process ${pid} to end`)
}
