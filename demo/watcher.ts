import { setTimeout as delay } from 'node:timers/promises'
import type { Condition, Kubernetes, Observed } from './kubernetes.ts'
import type { LocalCloudAdmin } from './local-cloud.ts'
import type { Mark, Sample, Timeline } from './timeline.ts'

const PAUSE_MS = 500
/** For Argo CD and the like; they repeat what Ready says. */
const QUIET = ['Progressing', 'Degraded']

/** Looks at the object and at the local cloud side by side while the demo goes on, for the report's picture. */
export type Watcher = {
  mark(label: string): void
  timeline(): Timeline
  stop(): Promise<void>
}

export type WatcherOptions = {
  kubernetes: Kubernetes
  cloud: LocalCloudAdmin
  object: { kind: string; namespace: string; name: string }
  /** Called once for each condition that changed. */
  onCondition(condition: Condition): void
}

export function watcher({ kubernetes, cloud, object, onCondition }: WatcherOptions): Watcher {
  const started = performance.now()
  const seconds = () => (performance.now() - started) / 1000
  const samples: Sample[] = []
  const marks: Mark[] = []
  const known = new Map<string, string>()
  const stopping = new AbortController()

  const announce = (seen: Observed | undefined) => {
    for (const condition of seen?.status?.conditions ?? []) {
      const before = known.get(condition.type)
      const now = `${condition.status} ${condition.reason}`
      if (before === now) continue
      known.set(condition.type, now)
      if (condition.status !== 'Unknown' && !QUIET.includes(condition.type)) onCondition(condition)
    }
  }

  const look = async () => {
    const [seen, endpoints] = await Promise.all([
      kubernetes.get(object.kind, object.namespace, object.name),
      cloud.endpoints(),
    ])
    announce(seen)
    const [endpoint] = endpoints
    samples.push({
      at: seconds(),
      phase: seen?.status?.phase,
      endpointStatus: endpoint?.status,
      instances: endpoint?.instances ?? 0,
    })
  }

  const loop = (async () => {
    while (!stopping.signal.aborted) {
      // A look that fails (a process is stopping, say) leaves a gap in the picture; the steps report real failures.
      await look().catch(() => {})
      await delay(PAUSE_MS, undefined, { signal: stopping.signal }).catch(() => {})
    }
  })()

  return {
    mark: (label) => marks.push({ at: seconds(), label }),
    timeline: () => ({ samples: [...samples], marks: [...marks] }),
    async stop() {
      stopping.abort()
      await loop
    },
  }
}
