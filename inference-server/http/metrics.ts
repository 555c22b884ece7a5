import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Observation } from './invocation-line.ts'

export type Metrics = {
  registry: Registry
  /** One finished request to /invocations. */
  observe(request: Observation): void
  /** One run of the device, and how many requests it served. */
  observeBatch(requests: number): void
}

/** What gauges show, read when they are scraped. */
export type Readings = {
  inside: () => number
  bodyBytes: () => number
  waiting: () => number
  busy: () => number
  restarts: () => number
  cacheBytes: () => number
  provider: string
}

const LATENCY = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** The server's metrics in a registry of its own. */
export function serverMetrics(read: Readings): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const requests = new Counter({
    name: 'inference_requests_total',
    help: 'Requests to /invocations by task and status.',
    labelNames: ['task', 'status'],
    registers,
  })
  const duration = new Histogram({
    name: 'inference_request_duration_seconds',
    help: 'From arrival to answer.',
    labelNames: ['task'],
    buckets: LATENCY,
    registers,
  })
  const phase = new Histogram({
    name: 'inference_phase_duration_seconds',
    help: 'Time in each phase of a request.',
    labelNames: ['task', 'phase'],
    buckets: LATENCY,
    registers,
  })
  const batch = new Histogram({
    name: 'inference_batch_requests',
    help: 'Requests that share one run of a model.',
    buckets: [1, 2, 4, 8, 16, 32, 64],
    registers,
  })
  gauge('inference_requests_inside', 'Requests waiting or being worked on.', read.inside)
  gauge('inference_body_bytes', 'Bytes of the bodies of these requests.', read.bodyBytes)
  gauge('inference_runs_waiting', 'Runs that wait for a device worker.', read.waiting)
  gauge('inference_workers_busy', 'Device workers that run a model.', read.busy)
  gauge('inference_worker_restarts', 'Device workers started anew after a crash or a missed deadline.', read.restarts)
  gauge('inference_cache_bytes', 'Bytes of embeddings kept for further requests.', read.cacheBytes)
  new Gauge({
    name: 'inference_provider',
    help: 'The execution provider that runs the models.',
    labelNames: ['provider'],
    registers,
  }).set({ provider: read.provider }, 1)

  function gauge(name: string, help: string, value: () => number): void {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value())
      },
    })
  }
  return {
    registry,
    observeBatch: (size) => batch.observe(size),
    observe({ task, status, ms, phases }) {
      requests.inc({ task, status: String(status) })
      duration.observe({ task }, ms / 1000)
      for (const [name, spent] of Object.entries(phases)) phase.observe({ task, phase: name }, spent / 1000)
    },
  }
}
