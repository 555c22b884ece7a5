import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** Every metric of the operator, by name, once. Names of the controller and queue metrics are controller-runtime's. */
export type Metrics = {
  registry: Registry
  reconciled(controller: string, outcome: string, seconds: number): void
  depth(controller: string, depth: number): void
  /** One request as it went over the wire, retries included. `code` is the error's name, or OK. */
  awsRequest(service: string, operation: string, code: string): void
  /** How long a call waited for its turn at the client-side rate limit. */
  rateLimitWait(family: string, seconds: number): void
  /** The rate that AWS is believed to take, in calls a second. */
  rate(region: string, family: string, perSecond: number): void
  recovery(namespace: string, name: string): void
  /** Resources in AWS that carry our tags and whose object is gone, as the last sweep found them. */
  orphans(type: string, count: number): void
  /** Sets what is known of one endpoint; undefined takes its series away. */
  endpoint(namespace: string, name: string, state: EndpointState | undefined): void
}

export type EndpointState = {
  phase: string
  ready: boolean
  instances: number
  /** US dollars; absent where no price is known. */
  hourlyCost?: number
  monthCost?: number
}

export function metrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const object = ['namespace', 'name'] as const
  const reconciles = new Counter({
    name: 'controller_runtime_reconcile_total',
    help: 'Reconciles by outcome.',
    labelNames: ['controller', 'result'],
    registers,
  })
  const duration = new Histogram({
    name: 'controller_runtime_reconcile_time_seconds',
    help: 'How long a reconcile took, in seconds.',
    labelNames: ['controller'],
    buckets: [0.005, 0.02, 0.1, 0.5, 1, 5, 30],
    registers,
  })
  const depth = new Gauge({
    name: 'workqueue_depth',
    help: 'Keys ready to be worked on.',
    labelNames: ['name'],
    registers,
  })
  const aws = new Counter({
    name: 'mooring_aws_requests_total',
    help: 'Requests to AWS, retries included, by the code they ended with.',
    labelNames: ['service', 'operation', 'code'],
    registers,
  })
  const rateLimitWait = new Histogram({
    name: 'mooring_aws_rate_limit_wait_seconds',
    help: 'How long a request to AWS waited for its turn, in seconds.',
    labelNames: ['family'],
    buckets: [0.001, 0.1, 0.5, 1, 5, 10, 30],
    registers,
  })
  const rate = new Gauge({
    name: 'mooring_aws_rate',
    help: 'Requests a second that are sent at most: halved when AWS throttles, growing slowly otherwise.',
    labelNames: ['region', 'family'],
    registers,
  })
  const recoveries = new Counter({
    name: 'mooring_endpoint_recoveries_total',
    help: 'How often a failed endpoint was deleted in order to be created again.',
    labelNames: object,
    registers,
  })
  const phase = new Gauge({
    name: 'mooring_endpoint_phase',
    help: '1 for the phase an endpoint is in.',
    labelNames: [...object, 'phase'],
    registers,
  })
  const ready = new Gauge({
    name: 'mooring_endpoint_ready',
    help: '1 when Ready is True.',
    labelNames: object,
    registers,
  })
  const instances = new Gauge({
    name: 'mooring_endpoint_instances',
    help: 'Running instances.',
    labelNames: object,
    registers,
  })
  const orphans = new Gauge({
    name: 'mooring_orphaned_resources',
    help: 'Resources in AWS that carry the tags of an object that is gone, as the last sweep found them.',
    labelNames: ['type'],
    registers,
  })
  const hourlyCost = new Gauge({
    name: 'mooring_endpoint_hourly_cost_usd',
    help: 'What the running instances cost an hour, in US dollars, by on-demand prices.',
    labelNames: object,
    registers,
  })
  const monthCost = new Gauge({
    name: 'mooring_endpoint_month_cost_usd',
    help: 'What the instances have cost since the calendar month began (UTC), in US dollars, by on-demand prices.',
    labelNames: object,
    registers,
  })
  const phases = new Map<string, string>()

  return {
    registry,
    reconciled(controller, result, seconds) {
      reconciles.inc({ controller, result })
      duration.observe({ controller }, seconds)
    },
    depth: (name, value) => depth.set({ name }, value),
    awsRequest: (service, operation, code) => aws.inc({ service, operation, code }),
    orphans: (type, count) => orphans.set({ type }, count),
    rateLimitWait: (family, seconds) => rateLimitWait.observe({ family }, seconds),
    rate: (region, family, perSecond) => rate.set({ region, family }, perSecond),
    recovery: (namespace, name) => recoveries.inc({ namespace, name }),
    endpoint(namespace, name, state) {
      const key = `${namespace}/${name}`
      const before = phases.get(key)
      if (before !== undefined && before !== state?.phase) phase.remove({ namespace, name, phase: before })
      if (!state) {
        phases.delete(key)
        ready.remove({ namespace, name })
        for (const gauge of [instances, hourlyCost, monthCost]) gauge.remove({ namespace, name })
        return
      }
      phases.set(key, state.phase)
      phase.set({ namespace, name, phase: state.phase }, 1)
      ready.set({ namespace, name }, state.ready ? 1 : 0)
      instances.set({ namespace, name }, state.instances)
      if (state.hourlyCost === undefined) hourlyCost.remove({ namespace, name })
      else hourlyCost.set({ namespace, name }, state.hourlyCost)
      if (state.monthCost === undefined) monthCost.remove({ namespace, name })
      else monthCost.set({ namespace, name }, state.monthCost)
    },
  }
}
