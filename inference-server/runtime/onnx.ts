import type * as Ort from 'onnxruntime-node'

export type Onnx = typeof Ort

/**
 * Loads onnxruntime-node so that 16-bit floats can be fed. Version 1.30 turns Uint16Array into Float16Array where that
 * exists (Node 23 and later), and then reads its length as 0: "not enough space: expected 4, got 0". Without the global it
 * keeps to Uint16Array. Only ever called in a worker: the main thread keeps its global.
 */
export async function loadOnnx(): Promise<Onnx> {
  Reflect.deleteProperty(globalThis, 'Float16Array')
  return import('onnxruntime-node')
}

/** A session on a model file. Loading by path lets the runtime find weights kept in files beside it. */
export function openSession(ort: Onnx, path: string, threads: number): Promise<Ort.InferenceSession> {
  return ort.InferenceSession.create(path, {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    // Prompts differ in number, so that the shapes of the decoder do too: an arena would only keep its peak.
    enableMemPattern: false,
    logSeverityLevel: 3,
    // Threads that spin between operators take the cores that HTTP and image decoding need.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  })
}

/** A tensor's declaration in words, such as `image_embeddings float32[1,256,64,64]`. */
export function describe(metadata: readonly Ort.InferenceSession.ValueMetadata[]): string {
  return metadata
    .map((value) =>
      value.isTensor ? `${value.name} ${value.type}[${value.shape.join(',')}]` : `${value.name} (no tensor)`,
    )
    .join(', ')
}
