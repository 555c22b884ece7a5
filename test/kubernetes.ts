import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import {
  ApiException,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  PatchStrategy,
  setHeaderOptions,
} from '@kubernetes/client-node'
import { ASYNC_INFERENCE_ENDPOINTS, MODEL_IMAGES } from '../operator/api/names.ts'

const run = promisify(execFile)

/** The API server's OpenAPI documents are megabytes. */
const MAX_OUTPUT = 64 * 1024 * 1024

/** An object as a test writes it: what the API server then makes of it is what is tested. */
export type Manifest = {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace?: string; [field: string]: unknown }
  [field: string]: unknown
}

/** What the API server answered to a write: the object, or the refusal's message. */
export type Outcome = { accepted: Manifest } | { refused: string }

export type TestCluster = {
  kubeconfig: KubeConfig
  kubeconfigPath: string
  /** Makes a namespace of the test's own, since all test files share one API server. */
  namespace(prefix?: string): Promise<string>
  /** Writes one of our objects, unknown fields refused as kubectl does. `dryRun` runs everything but the storing. */
  create(manifest: Manifest, options?: { dryRun?: boolean }): Promise<Outcome>
  replace(manifest: Manifest): Promise<Outcome>
  /** Merges into the status subresource. */
  patchStatus(manifest: Manifest, status: unknown): Promise<Outcome>
  get(manifest: Manifest): Promise<Manifest>
  kubectl(...args: string[]): Promise<string>
}

/** The API server that test/run.ts started for the run. */
export function testCluster(): TestCluster {
  const kubeconfigPath = process.env.MOORING_TEST_KUBECONFIG
  const kubectl = process.env.MOORING_TEST_KUBECTL
  if (!kubeconfigPath || !kubectl) throw new Error('no API server: run this file by `node test/run.ts <file>`')
  const kubeconfig = new KubeConfig()
  kubeconfig.loadFromFile(kubeconfigPath)
  const core = kubeconfig.makeApiClient(CoreV1Api)
  const objects = kubeconfig.makeApiClient(CustomObjectsApi)
  return {
    kubeconfig,
    kubeconfigPath,
    async namespace(prefix = 'test') {
      const name = `${prefix}-${randomBytes(4).toString('hex')}`
      await core.createNamespace({ body: { metadata: { name } } })
      return name
    },
    create: (manifest, { dryRun = false } = {}) =>
      outcome(
        objects.createNamespacedCustomObject({
          ...address(manifest),
          body: manifest,
          fieldValidation: 'Strict',
          ...(dryRun ? { dryRun: 'All' } : {}),
        }),
      ),
    replace: (manifest) =>
      outcome(
        objects.replaceNamespacedCustomObject({
          ...address(manifest),
          name: manifest.metadata.name,
          body: manifest,
          fieldValidation: 'Strict',
        }),
      ),
    patchStatus: (manifest, status) =>
      outcome(
        objects.patchNamespacedCustomObjectStatus(
          { ...address(manifest), name: manifest.metadata.name, body: { status }, fieldValidation: 'Strict' },
          setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
        ),
      ),
    get: (manifest) => objects.getNamespacedCustomObject({ ...address(manifest), name: manifest.metadata.name }),
    async kubectl(...args) {
      const { stdout } = await run(kubectl, [`--kubeconfig=${kubeconfigPath}`, ...args], { maxBuffer: MAX_OUTPUT })
      return stdout
    },
  }
}

async function outcome(request: Promise<unknown>): Promise<Outcome> {
  try {
    return { accepted: (await request) as Manifest }
  } catch (error) {
    if (!(error instanceof ApiException)) throw error
    const message: unknown = typeof error.body === 'string' ? JSON.parse(error.body).message : error.body?.message
    if (typeof message !== 'string') throw error
    return { refused: message }
  }
}

function address({ kind, metadata }: Manifest) {
  const names = [MODEL_IMAGES, ASYNC_INFERENCE_ENDPOINTS].find((one) => one.kind === kind)
  if (!names) throw new Error(`${kind} is not a kind of ours`)
  return {
    group: names.group,
    version: names.version,
    plural: names.plural,
    namespace: metadata.namespace ?? 'default',
  }
}
