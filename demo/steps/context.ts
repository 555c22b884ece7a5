import type { Clients } from '../aws.ts'
import type { Console } from '../console.ts'
import type { Kubernetes } from '../kubernetes.ts'
import type { LocalCloudAdmin } from '../local-cloud.ts'
import type { Processes } from '../processes.ts'
import type { Watcher } from '../watcher.ts'

/** The names in samples/segment/. */
export const NAMESPACE = 'vision'
export const ENDPOINT = 'segment'
export const IMAGE = 'sam-lite'
export const BUCKET = 'mooring-demo'
export const REGION = 'us-east-1'

export type Context = {
  console: Console
  signal: AbortSignal
  kubernetes: Kubernetes
  cloud: LocalCloudAdmin
  aws: Clients
  watcher: Watcher
  processes: Processes
}
