import { access } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { run } from './process.ts'

const ROOT = resolve(import.meta.dirname, '..', '..')

/** The first start builds Kubernetes from source. */
const UP_TIMEOUT_MS = 40 * 60_000
const LOAD_TIMEOUT_MS = 10 * 60_000
const DOWN_TIMEOUT_MS = 3 * 60_000

/** The folder with the programs `up`, `load` and `down`: MOORING_CLUSTER, else ../shared/cluster beside the repository. */
export const scripts = process.env.MOORING_CLUSTER ?? join(ROOT, '..', 'shared', 'cluster')

/** Where the cluster's programs keep everything. */
const home = process.env.CLUSTER_HOME ?? join(process.env.HOME ?? '/root', '.cache', 'one-node-cluster')

/** What a Pod reaches the node by: the cluster's bridge. */
export const NODE_ADDRESS = '10.88.0.1'

export type NodeCluster = {
  kubeconfigPath: string
  kubectl(...args: string[]): Promise<string>
  /** Puts an image that buildah built into the node, under its own name; Pods use it with `imagePullPolicy: Never`. */
  load(image: string): Promise<void>
  /** Names a loaded image by its digest too, as if it had been pulled by it. Answers that name. */
  pin(image: string): Promise<string>
}

/** @throws Error that says what to install or set where the cluster's programs are not there */
export async function assertPresent(): Promise<void> {
  for (const name of ['up', 'load', 'down'])
    await access(join(scripts, name)).catch((cause) => {
      throw new Error(`no ${join(scripts, name)}: set MOORING_CLUSTER to the folder with up, load and down`, { cause })
    })
}

/** Starts the cluster, unless one answers already; then it is another's, and is to be left alone at the end. */
export async function up(): Promise<{ kubeconfigPath: string; started: boolean }> {
  const kubeconfig = join(home, 'pki', 'admin.conf')
  const answers = await run('kubectl', ['--kubeconfig', kubeconfig, 'get', '--raw', '/readyz'], {
    timeoutMs: 10_000,
  }).then(
    () => true,
    () => false,
  )
  if (answers) return { kubeconfigPath: kubeconfig, started: false }
  const printed = await run(join(scripts, 'up'), [], { timeoutMs: UP_TIMEOUT_MS })
  return { kubeconfigPath: printed.trim().split('\n').at(-1) ?? kubeconfig, started: true }
}

export async function down(): Promise<void> {
  await run(join(scripts, 'down'), [], { timeoutMs: DOWN_TIMEOUT_MS })
}

/** The cluster that test/images/run.ts started for the run. */
export function nodeCluster(): NodeCluster {
  const kubeconfigPath = process.env.MOORING_NODE_KUBECONFIG
  if (!kubeconfigPath) throw new Error('no cluster: run this file by `node test/images/run.ts <file>`')
  return {
    kubeconfigPath,
    kubectl: (...args) => run('kubectl', ['--kubeconfig', kubeconfigPath, ...args]),
    async load(image) {
      await run(join(scripts, 'load'), [image], { timeoutMs: LOAD_TIMEOUT_MS })
    },
    async pin(image) {
      const ctr = (...args: string[]) =>
        run(join(home, 'bin', 'ctr'), ['-a', join(home, 'run', 'containerd.sock'), '-n', 'k8s.io', 'images', ...args])
      const [, digest] = /\s(sha256:[0-9a-f]{64})\s/.exec(await ctr('ls', `name==${image}`)) ?? []
      const pinned = `${image.replace(/:[^/:]*$/, '')}@${digest}`
      await ctr('tag', '--force', image, pinned)
      return pinned
    },
  }
}
