import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { NodeCluster } from './cluster.ts'

/** Hang detectors, not measures: the machine may be busy. */
const LIMIT_MS = 5 * 60_000
const INTERVAL_MS = 500

/** What a test reads of an object of the cluster. */
export type Observed = {
  metadata: { name: string; uid: string; deletionTimestamp?: string; finalizers?: string[] }
  spec?: { holderIdentity?: string | null; nodeName?: string }
  status?: {
    phase?: string
    podIP?: string
    conditions?: { type: string; status: string; reason?: string; message?: string }[]
    containerStatuses?: {
      ready: boolean
      restartCount: number
      state: { terminated?: { exitCode: number; reason: string; startedAt: string; finishedAt: string } }
    }[]
    [field: string]: unknown
  }
}

/** How restrictive clusters demand that Pods are: the Pod Security Standard "restricted", and a root file system that nobody writes. */
export const POD_SECURITY = { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } }
export const CONTAINER_SECURITY = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
}

export type Namespace = {
  name: string
  apply(...manifests: object[]): Promise<void>
  get(kind: string, name: string): Promise<Observed>
  list(kind: string, selector: string): Promise<Observed[]>
  /** Waits until `done` answers something. @throws Error with what was last seen */
  until<T>(what: string, done: () => Promise<T | undefined | false>): Promise<T>
  podIsReady(name: string): Promise<Observed>
  /** Deletes a Pod as Kubernetes does, and answers how its container ended: a finalizer keeps the Pod until that is read. */
  stopped(pod: string): Promise<{ exitCode: number; reason: string; seconds: number }>
  kubectl(...args: string[]): Promise<string>
  remove(): Promise<void>
}

/** A namespace of the test's own. Its Pods may do what the Pod Security Standard allows: "privileged" where a test mounts the node's files. */
export async function namespace(
  cluster: NodeCluster,
  prefix: string,
  standard: 'restricted' | 'privileged' = 'restricted',
): Promise<Namespace> {
  const name = `${prefix}-${randomBytes(4).toString('hex')}`
  await cluster.kubectl('create', 'namespace', name)
  await cluster.kubectl('label', 'namespace', name, `pod-security.kubernetes.io/enforce=${standard}`)
  const folder = await mkdtemp(join(tmpdir(), `${name}-`))
  const kubectl = (...args: string[]) => cluster.kubectl('--namespace', name, ...args)
  const get = async (kind: string, object: string) =>
    JSON.parse(await kubectl('get', kind, object, '-o', 'json')) as Observed

  async function until<T>(what: string, done: () => Promise<T | undefined | false>): Promise<T> {
    for (const end = Date.now() + LIMIT_MS; Date.now() < end; await delay(INTERVAL_MS)) {
      const result = await done()
      if (result !== undefined && result !== false) return result
    }
    const seen = await kubectl('describe', 'pods').catch(String)
    const logs = await kubectl('logs', '--all-containers', '--prefix', '--tail=20', '-l', '!absent').catch(String)
    throw new Error(`not within ${LIMIT_MS / 60_000} minutes: ${what}\n${seen}\n${logs}`)
  }

  return {
    name,
    kubectl,
    get,
    until,
    async list(kind, selector) {
      const { items } = JSON.parse(await kubectl('get', kind, '-l', selector, '-o', 'json')) as { items: Observed[] }
      return items
    },
    async apply(...manifests) {
      const path = join(folder, `${randomBytes(4).toString('hex')}.json`)
      await writeFile(path, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests }))
      await kubectl('apply', '--server-side', '-f', path)
    },
    podIsReady: (pod) =>
      until(`Pod ${pod} is Ready`, async () => {
        const seen = await get('pod', pod)
        const ended = seen.status?.containerStatuses?.find(({ state }) => state.terminated)
        if (ended) throw new Error(`the container of ${pod} has ended: ${await kubectl('logs', pod, '--tail=20')}`)
        return seen.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') && seen
      }),
    async stopped(pod) {
      await kubectl('patch', 'pod', pod, '--type=merge', '-p', '{"metadata":{"finalizers":["test.mooring.dev/read"]}}')
      await kubectl('delete', 'pod', pod, '--wait=false', '--grace-period=30')
      const asked = Date.now()
      const { exitCode, reason } = await until(`the container of ${pod} has ended`, async () => {
        const [status] = (await get('pod', pod)).status?.containerStatuses ?? []
        return status?.state.terminated
      })
      await kubectl('patch', 'pod', pod, '--type=merge', '-p', '{"metadata":{"finalizers":null}}')
      return { exitCode, reason, seconds: (Date.now() - asked) / 1000 }
    },
    async remove() {
      await rm(folder, { recursive: true, force: true })
      await cluster.kubectl('delete', 'namespace', name, '--wait=true', '--timeout=180s')
    },
  }
}
