import { parentPort } from 'node:worker_threads'
import { loadOnnx, openSession } from './onnx.ts'

/** `y = x`, float32[1]: ModelProto{ir_version 8, opset 17, graph{node{Identity}, input x, output y}}. */
const IDENTITY = Buffer.from(
  'CAg6NwoQCgF4EgF5IghJZGVudGl0eRIBZ1oPCgF4EgoKCAgBEgQKAggBYg8KAXkSCgoICAESBAoCCAFCBAoAEBE=',
  'base64',
)

try {
  const ort = await loadOnnx()
  await openSession(ort, { file: 'probe', bytes: IDENTITY }, { provider: 'cuda', threads: 1 })
  parentPort?.postMessage(undefined)
} catch (error) {
  parentPort?.postMessage(error instanceof Error ? error.message : String(error))
}
