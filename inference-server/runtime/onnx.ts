import type * as Ort from 'onnxruntime-node'
import type { ModelSpec, Provider, Signature } from './model.ts'
import type { Tensor, Tensors } from './tensors.ts'

export type Onnx = typeof Ort

/** Half precision in JavaScript, kept before loadOnnx takes the global away. */
const Half = globalThis.Float16Array

/**
 * Loads onnxruntime-node so that 16-bit floats can be fed. Version 1.30 turns Uint16Array into Float16Array where that
 * exists (Node 23 and later), and then reads its length as 0: "not enough space: expected 4, got 0". Without the global it
 * keeps to Uint16Array. Only ever called in a worker: the main thread keeps its global.
 */
export async function loadOnnx(): Promise<Onnx> {
  Reflect.deleteProperty(globalThis, 'Float16Array')
  return import('onnxruntime-node')
}

/** Opens a model on one execution provider. There is no silent second choice: onnxruntime throws where a provider cannot be loaded. */
export function openSession(
  ort: Onnx,
  spec: ModelSpec,
  { provider, threads }: { provider: Provider; threads: number },
): Promise<Ort.InferenceSession> {
  const options: Ort.InferenceSession.SessionOptions = {
    executionProviders: [provider],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    // Shapes differ from request to request, so that a plan of memory for each would only keep the peak.
    enableMemPattern: false,
    // What fails is thrown, and told in the log as all else is: on stderr it would be a second time, in lines that are no JSON.
    logSeverityLevel: 4,
    extra: {
      session: {
        // Threads that spin between operators take the cores that HTTP and image decoding need.
        intra_op: { allow_spinning: '0' },
        ...('externalDataFolder' in spec && spec.externalDataFolder
          ? { model_external_initializers_file_folder_path: spec.externalDataFolder }
          : {}),
      },
    },
  }
  return 'path' in spec
    ? ort.InferenceSession.create(spec.path, options)
    : ort.InferenceSession.create(spec.bytes, options)
}

/** What a session takes and gives; half precision is shown as float32, as which it is fed and read. */
export function signatureOf({ inputMetadata, outputMetadata }: Ort.InferenceSession): Signature {
  const values = (metadata: Ort.InferenceSession.ValueMetadata[] | readonly Ort.InferenceSession.ValueMetadata[]) =>
    metadata.map((value) =>
      value.isTensor
        ? {
            name: value.name,
            type: value.type === 'float16' ? 'float32' : value.type,
            shape: [...value.shape],
            isTensor: true,
          }
        : { name: value.name, type: 'sequence', shape: [], isTensor: false },
    )
  return { inputs: values(inputMetadata), outputs: values(outputMetadata) }
}

/** The names of a session's half precision inputs. */
export function halfInputs({ inputMetadata }: Ort.InferenceSession): ReadonlySet<string> {
  return new Set(inputMetadata.filter((value) => value.isTensor && value.type === 'float16').map((value) => value.name))
}

/** Feeds as onnxruntime wants them. */
export function toOrt(ort: Onnx, feeds: Tensors, halves: ReadonlySet<string>): Record<string, Ort.Tensor> {
  const converted: Record<string, Ort.Tensor> = {}
  for (const [name, { type, dims, data }] of Object.entries(feeds)) {
    converted[name] =
      halves.has(name) && type === 'float32'
        ? new ort.Tensor('float16', new Uint16Array(new Half(data).buffer), dims)
        : new ort.Tensor(type as 'float32', data as Float32Array, dims)
  }
  return converted
}

/** Outputs as tasks see them; `shared` puts them where every thread may read them without a copy, `into` this memory if it fits. */
export function fromOrt(
  results: Readonly<Record<string, Ort.Tensor>>,
  shared: boolean,
  into: Readonly<Record<string, SharedArrayBuffer>> = {},
): Tensors {
  return Object.fromEntries(
    Object.entries(results).map(([name, tensor]) => {
      const { type, data, dims } = tensor
      if (type === 'float16') {
        const { buffer, byteOffset, length } = data as unknown as Uint16Array<ArrayBuffer>
        const halves = new Half(buffer, byteOffset, length)
        return [name, { type: 'float32', dims, data: place(halves, Float32Array, shared, into[name]) }]
      }
      if (type === 'string') return [name, { type, dims, data: data as string[] }]
      if (!(type in KINDS)) throw new TypeError(`the model gave ${name} as ${type}, which is not served`)
      const values = data as Float32Array
      const Kind = values.constructor as Float32ArrayConstructor
      return [name, { type, dims, data: shared ? place(values, Kind, true, into[name]) : values } as Tensor]
    }),
  )
}

const KINDS = { float32: 1, float64: 1, int64: 1, int32: 1, uint8: 1, bool: 1 } as const

function place(
  values: ArrayLike<number>,
  Kind: Float32ArrayConstructor,
  shared: boolean,
  memory: SharedArrayBuffer | undefined,
): Float32Array {
  const bytes = values.length * Kind.BYTES_PER_ELEMENT
  const anew = () => (shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes))
  const placed = new Kind(memory?.byteLength === bytes ? memory : anew())
  placed.set(values)
  return placed
}
