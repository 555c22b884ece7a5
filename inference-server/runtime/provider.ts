import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Provider } from './model.ts'

export type Choice = {
  provider: Provider
  /** Why it is not the GPU, where that was asked for first. */
  reason?: string
}

/**
 * The execution provider to serve with. onnxruntime does not fall back by itself: it throws when a provider's libraries or
 * device are missing, so that the choice is made here, once, and said.
 * @throws Error when CUDA is demanded and cannot be had
 */
export async function chooseProvider(wanted: 'auto' | Provider, probe = probeCuda): Promise<Choice> {
  if (wanted === 'cpu') return { provider: 'cpu' }
  const reason = await probe()
  if (reason === undefined) return { provider: 'cuda' }
  if (wanted === 'cuda') throw new Error(`CUDA is demanded (MOORING_PROVIDER=cuda) and cannot be used: ${reason}`)
  return { provider: 'cpu', reason: `CUDA cannot be used: ${reason}` }
}

/** Where onnxruntime-node looks for it: beside its own binding. */
function cudaLibrary(): string {
  const folder = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'))
  return join(folder, 'bin', 'napi-v6', process.platform, process.arch, 'libonnxruntime_providers_cuda.so')
}

/** Opens the smallest model on CUDA in a thread of its own, whose end frees what that took; undefined when it can be. */
async function probeCuda(): Promise<string | undefined> {
  // Not tried where it is not installed: onnxruntime writes a line of its own to stderr.
  if (!existsSync(cudaLibrary())) return 'this installation has no CUDA provider'
  return new Promise((resolve) => {
    const thread = new Worker(new URL('./provider-probe.ts', import.meta.url))
    thread.once('message', (reason: string | undefined) => {
      resolve(reason)
      void thread.terminate()
    })
    thread.once('error', (error) => resolve(error.message))
    thread.once('exit', (code) => resolve(`the probe exited with code ${code}`))
  })
}
