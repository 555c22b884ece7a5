import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { AsyncInferenceEndpoint } from './api/async-inference-endpoint.ts'
import type { ModelImage } from './api/model-image.ts'
import { ASYNC_INFERENCE_ENDPOINTS, GROUP, MODEL_IMAGES } from './api/names.ts'
import { clusterIdOf } from './cluster-id.ts'
import type { Config } from './config.ts'
import { readApproved, unlimited } from './controllers/approved.ts'
import { endpointReconciler } from './controllers/endpoint/controller.ts'
import { sweepEndpoints } from './controllers/endpoint/sweep.ts'
import { readEventHints } from './controllers/event-hints.ts'
import { imageChecker } from './controllers/model-image/checks.ts'
import { judgeByContractTest } from './controllers/model-image/contract-test/judge-by-test.ts'
import { modelImageReconciler } from './controllers/model-image/controller.ts'
import { references } from './controllers/model-image/references.ts'
import { sources } from './controllers/model-image/sources.ts'
import { orphanCollector } from './controllers/orphans/collector.ts'
import { fileIndex } from './images/layers/files.ts'
import { registryFetch } from './images/oci/fetch.ts'
import type { KubeClient } from './kube/client.ts'
import { controller } from './kube/controller.ts'
import { informer } from './kube/informer.ts'
import { leaderElection } from './kube/leader-election.ts'
import { recorder } from './kube/recorder.ts'
import { type Metrics, metrics } from './metrics.ts'
import { type Clients, type ClientsOptions, clients } from './providers/clients.ts'
import { eventQueue } from './providers/event-queue.ts'
import { readPriceFile } from './providers/price-file.ts'
import { prices } from './providers/prices.ts'
import { rateLimiter } from './providers/rate-limits.ts'
import { regionalProviders } from './providers/region.ts'
import { buildServer } from './server.ts'

const LEASE = 'mooring-operator'
/** An image that is not there yet is looked for this many times less often than an endpoint in flight. */
const MISSING_FACTOR = 3
const SYNC_CHECK_MS = 20
const HEALTH_CHECK_MS = 10_000

export type OperatorDependencies = {
  config: Config
  kube: KubeClient
  log: Logger
  /** Called when the process can no longer do its work and should exit: a lost lease, a cluster that is silent. */
  onFatal(reason: string): void
  now?: () => number
  random?: () => number
  /** Makes AWS's clients, which stop() closes; the SDK's without it. */
  aws?(options: ClientsOptions): Clients
  /** Of the process, where several operators share one. */
  metrics?: Metrics
}

export type Operator = {
  /** Where /healthz, /readyz and /metrics are. */
  address: string
  /** Ends the passes under way, then everything else. */
  stop(): Promise<void>
}

/**
 * Puts the operator together and starts it: probes at once, controllers when this process leads.
 * @throws Error where it cannot know which cluster this is
 */
export async function startOperator(deps: OperatorDependencies): Promise<Operator> {
  const { config, kube, log, onFatal, now = Date.now, random = Math.random } = deps
  const { intervals, workers, namespace } = config
  const cluster = await clusterIdOf(kube, config.clusterId)
  const measured = deps.metrics ?? metrics()
  const onLost = () => onFatal('the lease was lost')
  const election = config.leaderElection.enabled
    ? leaderElection({
        client: kube,
        namespace: config.leaderElection.namespace,
        name: LEASE,
        identity: config.leaderElection.identity,
        log,
        onLost,
        timing: config.leaderElection.timing,
      })
    : undefined
  const permit = () => {
    if (!election || election.holds()) return
    onLost()
    throw new Error('the lease was lost')
  }
  const aws = (deps.aws ?? clients)({
    onRequest: measured.awsRequest,
    permit,
    pathStyle: config.customEndpoint,
    limiter: rateLimiter({ rates: config.awsRates, random, metrics: measured }),
  })
  const providers = regionalProviders(aws, now)
  const known = prices({
    overrides: config.prices.file ? await readPriceFile(config.prices.file) : {},
    ...(config.prices.priceList ? { priceList: aws.pricing() } : {}),
    now,
    random,
    log,
  })
  const registries = registryFetch()
  const approved = config.approvedFile ? await readApproved(config.approvedFile) : unlimited
  const events = recorder({
    client: kube,
    component: `${GROUP}/operator`,
    instance: config.leaderElection.identity,
    log,
  })
  const images = informer<ModelImage>({ client: kube, resource: MODEL_IMAGES, namespace, log })
  const endpoints = informer<AsyncInferenceEndpoint>({
    client: kube,
    resource: ASYNC_INFERENCE_ENDPOINTS,
    namespace,
    log,
  })
  const shared = { kube, recorder: events, log, now, random }
  const imageReconciler = modelImageReconciler({
    ...shared,
    ...sources({ kube, approved, providers, fetch: registries, plainHttp: config.plainHttpRegistries, now }),
    check: imageChecker(fileIndex()),
    contractTest: judgeByContractTest(kube, config.contractTest),
    againMs: MISSING_FACTOR * intervals.inFlight,
    verifyMs: intervals.verify,
  })
  const reconciler = endpointReconciler({
    ...shared,
    image: (key) => images.get(key),
    providers,
    prices: known,
    approved,
    cluster,
    defaultTags: config.defaultTags,
    intervals,
    metrics: measured,
  })
  const imageController = controller({
    name: 'model-image',
    informer: images,
    reconcile: imageReconciler.reconcile,
    onGone: imageReconciler.forget,
    workers,
    log,
    metrics: measured,
  })
  const endpointController = controller({
    name: 'async-inference-endpoint',
    informer: endpoints,
    reconcile: reconciler.reconcile,
    onGone: reconciler.forget,
    workers,
    log,
    metrics: measured,
  })

  const orphans = orphanCollector({
    kube,
    objects: endpoints.list,
    scope: { cluster, namespace },
    mode: config.orphans.mode === 'delete' ? 'delete' : 'report',
    regions: config.orphans.regions,
    interval: config.orphans.interval,
    providers,
    metrics: measured,
    log,
    random,
  })

  const referring = references()
  endpoints.onChange((key) => {
    const object = endpoints.get(key)
    referring.set(key, object && `${object.metadata.namespace}/${object.spec.imageRef.name}`)
  })
  images.onChange((key) => {
    for (const endpoint of referring.of(key)) endpointController.enqueue(endpoint)
  })

  const synced = () => images.synced() && endpoints.synced()
  const healthy = () => images.healthy() && endpoints.healthy()
  const server = buildServer({
    ready: synced,
    healthy,
    registry: measured.registry,
  })
  const stopping = new AbortController()
  const background: Promise<void>[] = []
  const lead = async () => {
    await election?.acquire(stopping.signal)
    // Before the caches are full, an object that is only not listed yet would look as if it were missing.
    while (!synced() && !stopping.signal.aborted) await delay(SYNC_CHECK_MS)
    if (stopping.signal.aborted) return
    imageController.start()
    endpointController.start()
    const swept = { objects: endpoints.list, reconciler, enqueue: endpointController.enqueue }
    background.push(sweepEndpoints({ ...swept, providers, interval: intervals.settled, random, log }, stopping.signal))
    if (config.eventQueue) {
      const { url, region } = config.eventQueue
      const queue = eventQueue(aws.queues(region), url)
      const hinted = {
        endpoints: { objects: endpoints.list, hint: reconciler.hint, enqueue: endpointController.enqueue },
        images: { objects: images.list, hint: imageReconciler.hint, enqueue: imageController.enqueue },
      }
      background.push(readEventHints({ ...hinted, queue, random, log }, stopping.signal))
    }
    if (config.orphans.mode !== 'off') background.push(orphans.run(stopping.signal))
    log.info({ namespace: namespace ?? 'all', cluster, workers }, 'reconciling')
  }

  const address = await server.listen({ host: config.http.address, port: config.http.port })
  images.start()
  endpoints.start()
  const watchdog = setInterval(() => {
    if (!healthy()) onFatal('the API server has not been heard of for minutes')
  }, HEALTH_CHECK_MS)
  const leading = lead().catch((error: unknown) => {
    if (!stopping.signal.aborted) onFatal(error instanceof Error ? error.message : String(error))
  })

  return {
    address,
    async stop() {
      stopping.abort()
      clearInterval(watchdog)
      await leading
      await Promise.all([imageController.stop(), endpointController.stop(), ...background])
      await Promise.all([images.stop(), endpoints.stop()])
      await events.flush()
      // Last: a successor must not act while a pass of ours is under way.
      await election?.release()
      await server.close()
      aws.close()
      await registries.close()
    },
  }
}
