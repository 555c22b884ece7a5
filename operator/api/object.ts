/** What Kubernetes itself keeps about an object: the part that is read here. */
export type Metadata = {
  name: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  annotations?: Record<string, string>
  labels?: Record<string, string>
  finalizers?: string[]
  deletionTimestamp?: string
  creationTimestamp?: string
}

/** An object as the API server gives it: the spec's defaults are filled in. */
export type Resource<Spec, Status> = {
  apiVersion: string
  kind: string
  metadata: Metadata
  spec: Spec
  status?: Status
}
