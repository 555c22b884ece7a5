import { workerData } from 'node:worker_threads'
import type { InferenceSession } from 'onnxruntime-node'
import type { DeviceOperations, DeviceWorkerData, RunPayload } from './device.ts'
import type { ModelSpec, Signature } from './model.ts'
import { fromOrt, halfInputs, loadOnnx, openSession, signatureOf, toOrt } from './onnx.ts'
import { movableBuffers, type Tensors } from './tensors.ts'
import { serve } from './worker-body.ts'

/** The body of a thread that holds one session of every model, and runs them. It knows tensors, and nothing of tasks. */
await serve(async () => {
  const { specs, provider, threads } = workerData as DeviceWorkerData
  const ort = await loadOnnx()
  const sessions: { session: InferenceSession; halves: ReadonlySet<string> }[] = []

  async function open(spec: ModelSpec): Promise<Signature> {
    try {
      const session = await openSession(ort, spec, { provider, threads })
      sessions.push({ session, halves: halfInputs(session) })
      return signatureOf(session)
    } catch (cause) {
      throw new Error(`${spec.file} cannot be loaded: ${cause instanceof Error ? cause.message : cause}`, { cause })
    }
  }

  async function run({ model, feeds, outputs, shared, into }: RunPayload): Promise<Tensors> {
    const opened = sessions[model]
    if (!opened) throw new Error(`there is no model ${model}`)
    const { session, halves } = opened
    const ortFeeds = toOrt(ort, feeds, halves)
    return fromOrt(await (outputs ? session.run(ortFeeds, [...outputs]) : session.run(ortFeeds)), shared, into)
  }

  const signatures: Signature[] = []
  for (const spec of specs) signatures.push(await open(spec))
  return {
    description: { provider, signatures } satisfies DeviceOperations['describe']['result'],
    async perform(operation, payload) {
      if (operation === 'open') return { result: await open(payload as ModelSpec), transfer: [] }
      const result = await run(payload as RunPayload)
      return { result, transfer: movableBuffers(result) }
    },
  }
})
