import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LaunchError } from '../../instances/fleet.ts'
import type { ObjectStore } from '../../service.ts'
import { FAILURES } from './errors.ts'

/** Where an instance finds its model artefacts. A process has no /opt/ml of its own: SAGEMAKER_BASE_DIR says where it is instead. */
export type ModelData = { environment: Record<string, string>; remove(): Promise<void> }

/**
 * Downloads model.tar.gz and unpacks it to `<folder>/model`, as SageMaker unpacks it to /opt/ml/model.
 * @throws LaunchError with SageMaker's FailureReason.
 */
export async function unpackModelData(objects: ObjectStore, url: string | undefined): Promise<ModelData> {
  if (url === undefined) return { environment: {}, remove: async () => {} }
  const object = await objects.get(url)
  if (!object) throw new LaunchError(FAILURES.modelData(url))
  const folder = await mkdtemp(join(tmpdir(), 'mooring-model-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  const model = join(folder, 'model')
  try {
    await mkdir(model)
    await extract(object.body, model)
  } catch (error) {
    await remove()
    throw new LaunchError(FAILURES.modelArchive(url), { cause: error })
  }
  return { environment: { SAGEMAKER_BASE_DIR: folder }, remove }
}

function extract(archive: Uint8Array, folder: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const tar = spawn('tar', ['-xzf', '-', '-C', folder], { stdio: ['pipe', 'ignore', 'ignore'] })
    tar.once('error', reject)
    tar.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`tar exited with code ${code}`))))
    // A broken archive makes tar leave before it has read everything: its exit code tells, not the pipe.
    tar.stdin.on('error', () => {})
    tar.stdin.end(archive)
  })
}
