import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export type Metrics = {
  registry: Registry
  /** One finished request to /invocations; `seconds` from arrival to answer. */
  observe(request: { task: string; status: number; seconds: number; phases: Readonly<Record<string, number>> }): void
}

/** The server's metrics in a registry of its own; gauges are read when they are scraped. */
export function serverMetrics(read: { inside: () => number; busy: () => number; restarts: () => number }): Metrics {
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
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    registers,
  })
  const phase = new Histogram({
    name: 'inference_phase_duration_seconds',
    help: 'Time in each phase of a request; encoder and decoder include waiting for a worker.',
    labelNames: ['phase'],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  })
  gauge('inference_requests_inside', 'Requests waiting or being worked on.', read.inside)
  gauge('inference_workers_busy', 'Workers that run a model.', read.busy)
  gauge('inference_worker_restarts', 'Workers started anew after a crash or a missed deadline.', read.restarts)
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
    observe({ task, status, seconds, phases }) {
      requests.inc({ task, status: String(status) })
      duration.observe({ task }, seconds)
      for (const [name, milliseconds] of Object.entries(phases)) phase.observe({ phase: name }, milliseconds / 1000)
    },
  }
}
