import { workerData } from 'node:worker_threads'
import type { InferenceSession } from 'onnxruntime-node'
import { itemsOf, join, split } from './batch.ts'
import type { DeviceOperations, DeviceWorkerData, RunPayload } from './device.ts'
import type { Outcome } from './messages.ts'
import type { ModelSpec, Signature } from './model.ts'
import { fromOrt, halfInputs, loadOnnx, openSession, signatureOf, toOrt } from './onnx.ts'
import { movableBuffers, type Tensors } from './tensors.ts'
import { failed, serve } from './worker-body.ts'

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

  async function run({ model, outputs, shared }: RunPayload, feeds: Tensors): Promise<Tensors> {
    const opened = sessions[model]
    if (!opened) throw new Error(`there is no model ${model}`)
    const { session, halves } = opened
    const ortFeeds = toOrt(ort, feeds, halves)
    return fromOrt(await (outputs ? session.run(ortFeeds, [...outputs]) : session.run(ortFeeds)), shared)
  }

  /** All jobs in one run; where that fails, each alone, since one request's mistake is not the others'. */
  async function runBatch(payloads: RunPayload[]): Promise<Outcome[]> {
    const [first] = payloads
    if (!first) return []
    try {
      const feeds = payloads.map((payload) => payload.feeds)
      const results = split(await run(first, join(feeds)), feeds.map(itemsOf))
      return results.map((result) => ({ ok: true, result }))
    } catch (error) {
      if (payloads.length === 1) return [failed(error)]
      const outcomes: Outcome[] = []
      for (const payload of payloads) outcomes.push(...(await runBatch([payload])))
      return outcomes
    }
  }

  const signatures: Signature[] = []
  for (const spec of specs) signatures.push(await open(spec))
  return {
    description: { provider, signatures } satisfies DeviceOperations['describe']['result'],
    async perform(jobs) {
      const [head] = jobs
      const outcomes =
        head?.operation === 'open'
          ? [await open(head.payload as ModelSpec).then((result): Outcome => ({ ok: true, result }), failed)]
          : await runBatch(jobs.map(({ payload }) => payload as RunPayload))
      const transfer = outcomes.flatMap((outcome) =>
        outcome.ok && head?.operation === 'run' ? movableBuffers(outcome.result as Tensors) : [],
      )
      return { outcomes, transfer }
    },
  }
})
