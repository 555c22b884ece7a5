import type { AddressInfo } from 'node:net'
import * as aasSdk from '@aws-sdk/client-application-auto-scaling'
import * as cloudwatchSdk from '@aws-sdk/client-cloudwatch'
import * as logsSdk from '@aws-sdk/client-cloudwatch-logs'
import * as ecrSdk from '@aws-sdk/client-ecr'
import * as pricingSdk from '@aws-sdk/client-pricing'
import * as taggingSdk from '@aws-sdk/client-resource-groups-tagging-api'
import * as sagemakerSdk from '@aws-sdk/client-sagemaker'
import * as runtimeSdk from '@aws-sdk/client-sagemaker-runtime'
import { adminApi } from './admin.ts'
import type { CallHook } from './call-hook.ts'
import { type Clock, scaledClock } from './clock.ts'
import { eventQueue } from './event-queue.ts'
import { type Fault, faultBoard } from './faults.ts'
import { gateway, type Mounted } from './gateway/server.ts'
import { operationsOf } from './gateway/shapes.ts'
import { type RateLimit, rateLimits } from './rate-limits.ts'
import { type RecordedCall, recorder } from './recorder.ts'
import type { Environment, JsonObject, ScalableTargets, Service } from './service.ts'
import { autoscalingService } from './services/application-auto-scaling/index.ts'
import { cloudwatchService } from './services/cloudwatch/index.ts'
import type { ImageDefinition } from './services/ecr/image-definition.ts'
import { images } from './services/ecr/images.ts'
import { ecrService } from './services/ecr/index.ts'
import { pushEvent } from './services/ecr/push-event.ts'
import { logsService } from './services/logs/index.ts'
import { pricingService } from './services/pricing/index.ts'
import { type SagemakerDelays, sagemakerService } from './services/sagemaker/index.ts'
import { sagemakerRuntimeService } from './services/sagemaker-runtime/index.ts'
import { storage } from './services/storage/storage.ts'
import { taggingService } from './services/tagging/index.ts'

export type LocalCloudOptions = {
  /** 0: any free one. */
  port?: number
  /** What addresses inside its answers begin with. Default: its own address, on loopback. Elsewhere, it is reached through a relay. */
  advertisedUrl?: string
  clock?: Clock
  region?: string
  accountId?: string
  /** SageMaker's, and how often metrics are published and alarms judged; all on the cloud's clock, in milliseconds. */
  delays?: Partial<SagemakerDelays> & { metricPeriod?: number }
  images?: ImageDefinition[]
  /** Beyond these, calls meet ThrottlingException. None unless given. */
  rateLimits?: readonly RateLimit[]
  /**
   * An SQS queue, made at the start, that every state change of an endpoint and every push of an image is sent to in EventBridge's words. A queue's URL stands for its
   * name, the last part of it. None unless given.
   */
  eventQueue?: string
  /** Uniform in [0, 1). */
  random?: () => number
  /** Asked before and after each call: for tests that kill or stall the caller there. */
  onCall?: CallHook
  onError?(error: unknown, what: string): void
}

export type LocalCloud = {
  /** What AWS_ENDPOINT_URL is set to. */
  url: string
  port: number
  /** For any SDK: endpoint, region and credentials. */
  environment: Record<string, string>
  /** The queue of endpoint state changes and pushes of images; undefined where none was asked for. */
  eventQueueUrl: string | undefined
  clock: Clock
  registerImage(definition: ImageDefinition): string
  setFault(fault: Fault): void
  /** Those that are set, and how often each was met. */
  faults(): (Fault & { hits: number })[]
  /** All of them, or those of one subject. */
  clearFaults(subject?: string): void
  /** Takes the place of all rate limits before. */
  setRateLimits(limits: readonly RateLimit[]): void
  calls(): RecordedCall[]
  resetCalls(): void
  /** Everything that is there now, by service. */
  state(): Record<string, JsonObject>
  stop(): Promise<void>
}

const METRIC_PERIOD_MS = 60_000

/** A SageMaker on this machine, on loopback only: one port for all services. A development tool. */
export async function startLocalCloud(options: LocalCloudOptions = {}): Promise<LocalCloud> {
  const { clock = scaledClock(), region = 'us-east-1', accountId = '123456789012', delays = {}, random } = options
  const onError = options.onError ?? ((error, what) => console.error(`local cloud: ${what}:`, error))
  const faults = faultBoard(random)
  const limits = rateLimits(options.rateLimits)
  const calls = recorder()
  let announce = (_event: object): void => {}
  const registry = images(clock.now, (push) => announce(pushEvent(push, region, accountId)))
  for (const definition of options.images ?? []) registry.register(definition)
  const logs = logsService(clock.now)
  const metricPeriod = delays.metricPeriod ?? METRIC_PERIOD_MS
  const cloudwatch = cloudwatchService({ clock, region, accountId, evaluationPeriod: metricPeriod, onError })
  const stored = await storage(region, accountId)
  const { host, port: storagePort } = stored
  const events =
    options.eventQueue === undefined
      ? undefined
      : await eventQueue({ host, port: storagePort, region, queue: options.eventQueue, onError })
  // What is there from the start is no news.
  if (events) announce = events.send
  const common: Environment = { clock, accountId, region, faults, metrics: cloudwatch, logs }
  let url = ''
  const environment = () => ({
    AWS_ENDPOINT_URL: url,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  })

  // SageMaker and its autoscaling know each other; autoscaling is made second.
  const scalableTargets: ScalableTargets = {
    has: (endpoint, variant) => autoscaling.has(endpoint, variant),
    deregister: (endpoint) => autoscaling.deregister(endpoint),
  }
  const sagemaker = sagemakerService({
    ...common,
    images: registry,
    scalableTargets,
    notifier: stored.notifier,
    objects: stored.objects,
    alarms: cloudwatch,
    delays,
    ...(events ? { onEndpointState: events.send } : {}),
    // A container has a network of its own; a process on a laptop must not open its port to everyone.
    containerEnvironment: () => ({ ...environment(), SAGEMAKER_BIND_TO_HOST: '127.0.0.1' }),
  })
  const autoscaling = autoscalingService({ clock, region, accountId, capacity: sagemaker, alarms: cloudwatch })
  cloudwatch.onAction((arn, alarm) => autoscaling.onAlarm(arn, alarm))
  const runtime = sagemakerRuntimeService({
    ...common,
    endpoints: sagemaker.endpoints,
    objects: stored.objects,
    notifier: stored.notifier,
    delays: { metricPeriod },
  })
  const ecr = ecrService(registry, () => options.advertisedUrl ?? url)

  const tagging = taggingService([sagemaker, autoscaling, cloudwatch, stored.topics])

  const mount = (service: Service, sdk: object, target: string | undefined, invalid?: string): Mounted => ({
    service,
    operations: operationsOf(sdk),
    target,
    ...(invalid ? { invalid } : {}),
  })
  const mounted = [
    mount(sagemaker, sagemakerSdk, 'SageMaker'),
    mount(autoscaling, aasSdk, 'AnyScaleFrontendService'),
    mount(cloudwatch, cloudwatchSdk, 'GraniteServiceVersion20100801', 'ValidationError'),
    mount(logs, logsSdk, 'Logs_20140328', 'InvalidParameterException'),
    mount(ecr, ecrSdk, 'AmazonEC2ContainerRegistry_V20150921', 'InvalidParameterException'),
    mount(tagging, taggingSdk, 'ResourceGroupsTaggingAPI_20170126', 'InvalidParameterException'),
    mount(pricingService(), pricingSdk, 'AWSPriceListService', 'InvalidParameterException'),
    mount(runtime, runtimeSdk, undefined),
  ]
  const state = () => Object.fromEntries(mounted.map(({ service }) => [service.name, service.state()]))
  const server = gateway({
    mounted,
    proxied: { services: ['s3', 'sns', 'sqs', 'sts'], host: stored.host, port: stored.port, topics: stored.topics },
    other: adminApi({ images: registry, faults, limits, calls, state, clock }),
    recorder: calls,
    faults,
    onCall: options.onCall,
    limits,
    region,
    accountId,
    onError,
  })
  const stop = async (): Promise<void> => {
    server.close()
    server.closeAllConnections()
    await Promise.all([runtime.stop(), cloudwatch.stop(), autoscaling.stop()])
    await sagemaker.stop()
    await events?.stop()
    await stored.stop()
  }
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  }).catch(async (error: unknown) => {
    // A taken port: nothing of what runs already may keep the process alive.
    await stop()
    throw error
  })
  const { port } = server.address() as AddressInfo
  url = `http://127.0.0.1:${port}`

  return {
    url,
    port,
    environment: environment(),
    eventQueueUrl: events?.urlAt(url),
    clock,
    registerImage: (definition) => registry.register(definition),
    setFault: (fault) => faults.set(fault),
    faults: () => faults.list(),
    clearFaults: (subject) => faults.clear(subject),
    setRateLimits: limits.set,
    calls: () => calls.calls(),
    resetCalls: () => calls.reset(),
    state,
    stop,
  }
}
