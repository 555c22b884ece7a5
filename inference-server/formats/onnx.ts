import { bytesField, concatenated, type Field, fieldsOf, integerField, textOf } from './protobuf.ts'

/**
 * Reading and writing parts of ONNX files. Field numbers are those of onnx/onnx.proto (github.com/onnx/onnx), which never
 * change once given.
 */
export const MODEL = { irVersion: 1, graph: 7, opsetImport: 8 } as const
export const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12 } as const
const NODE = { input: 1, output: 2, opType: 4, attribute: 5, domain: 7 } as const
const ATTRIBUTE = { name: 1, float: 2, int: 3, text: 4, ints: 8, strings: 9, type: 20 } as const
const TENSOR = { dims: 1, dataType: 2, name: 8, rawData: 9, externalData: 13, dataLocation: 14 } as const
const EXTERNAL = 1

/** TensorProto.DataType */
const DATA_TYPE = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float16: 10, float64: 11 } as const
export type DataType = keyof typeof DATA_TYPE

export type Node = {
  opType: string
  inputs: readonly string[]
  outputs: readonly string[]
  /** Attributes by name, each still encoded: `attributeValues` reads one. */
  attributes: ReadonlyMap<string, Uint8Array>
}

/** The first field of that number that holds bytes. */
export function bytesAt(message: Uint8Array, number: number): Uint8Array | undefined {
  for (const field of fieldsOf(message)) if (field.number === number && field.wire === 'bytes') return field.value
  return undefined
}

/** The graph of a model file. @throws Error where there is none */
export function graphOf(model: Uint8Array): Uint8Array {
  const graph = bytesAt(model, MODEL.graph)
  if (!graph) throw new Error('the ONNX file has no graph')
  return graph
}

/** The nodes of a graph, in topological order. Nodes inside of other nodes (the branches of If) are not among them. */
export function* nodesOf(graph: Uint8Array): Generator<Node> {
  for (const field of fieldsOf(graph)) {
    if (field.number === GRAPH.node && field.wire === 'bytes') yield nodeOf(field.value)
  }
}

export function nodeOf(message: Uint8Array): Node {
  const node = {
    opType: '',
    inputs: [] as string[],
    outputs: [] as string[],
    attributes: new Map<string, Uint8Array>(),
  }
  for (const field of fieldsOf(message)) {
    if (field.wire !== 'bytes') continue
    if (field.number === NODE.input) node.inputs.push(textOf(field.value))
    else if (field.number === NODE.output) node.outputs.push(textOf(field.value))
    else if (field.number === NODE.opType) node.opType = textOf(field.value)
    else if (field.number === NODE.attribute) {
      node.attributes.set(textOf(bytesAt(field.value, ATTRIBUTE.name) ?? new Uint8Array()), field.value)
    }
  }
  return node
}

/** The integers or the strings that an attribute lists. */
export function attributeValues(attribute: Uint8Array): readonly (string | bigint)[] {
  const values: (string | bigint)[] = []
  for (const field of fieldsOf(attribute)) {
    if (field.number === ATTRIBUTE.strings && field.wire === 'bytes') values.push(textOf(field.value))
    else if (field.number === ATTRIBUTE.ints) values.push(...integersOf(field))
  }
  return values
}

/** Writers may pack a list of integers into one field. */
function integersOf(field: Field): bigint[] {
  if (field.wire === 'varint') return [field.value]
  if (field.wire !== 'bytes' || field.value.length === 0) return []
  // A packed list is a run of integers without tags: with a tag before each it is a message.
  const values: bigint[] = []
  let start = 0
  for (let at = 0; at < field.value.length; at++) {
    if ((field.value[at] ?? 0) >= 0x80) continue
    const [one] = fieldsOf(concatenated([Uint8Array.of(8), field.value.subarray(start, at + 1)]))
    if (one?.wire === 'varint') values.push(one.value)
    start = at + 1
  }
  return values
}

/** An attribute of a node to be written: an integer, a string, or a list of integers. */
export type Attribute = number | string | readonly number[]

/** ValueInfoProto: an input or output. A dimension is a number, or a name where it is free. */
export function valueInfo(name: string, type: DataType, dims: readonly (number | string)[]): Uint8Array {
  const shape = dims.map((dim) =>
    bytesField(1, typeof dim === 'number' ? integerField(1, dim) : dim === '' ? new Uint8Array() : bytesField(2, dim)),
  )
  const tensor = concatenated([integerField(1, DATA_TYPE[type]), bytesField(2, concatenated(shape))])
  return concatenated([bytesField(1, name), bytesField(2, bytesField(1, tensor))])
}

export function node(
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, Attribute>> = {},
): Uint8Array {
  return concatenated([
    ...inputs.map((name) => bytesField(NODE.input, name)),
    ...outputs.map((name) => bytesField(NODE.output, name)),
    bytesField(NODE.opType, opType),
    ...Object.entries(attributes).map(([name, value]) => bytesField(NODE.attribute, attribute(name, value))),
  ])
}

/** AttributeProto.AttributeType: INT is 2, STRING 3, INTS 7. */
function attribute(name: string, value: Attribute): Uint8Array {
  const [type, fields] =
    typeof value === 'number'
      ? ([2, [integerField(ATTRIBUTE.int, value)]] as const)
      : typeof value === 'string'
        ? ([3, [bytesField(ATTRIBUTE.text, value)]] as const)
        : ([7, value.map((each) => integerField(ATTRIBUTE.ints, each))] as const)
  return concatenated([bytesField(ATTRIBUTE.name, name), ...fields, integerField(ATTRIBUTE.type, type)])
}

export type Initializer = { name: string; type: DataType; dims: readonly number[] } & (
  | { data: Uint8Array }
  /** Bytes of a file in the folder that the session is told of: they are mapped, not copied. */
  | { file: string; offset: number; length: number }
)

export function initializer(tensor: Initializer): Uint8Array {
  const place =
    'data' in tensor
      ? [bytesField(TENSOR.rawData, tensor.data)]
      : [
          ...Object.entries({ location: tensor.file, offset: tensor.offset, length: tensor.length }).map(
            ([key, value]) =>
              bytesField(TENSOR.externalData, concatenated([bytesField(1, key), bytesField(2, String(value))])),
          ),
          integerField(TENSOR.dataLocation, EXTERNAL),
        ]
  return concatenated([
    ...tensor.dims.map((dim) => integerField(TENSOR.dims, dim)),
    integerField(TENSOR.dataType, DATA_TYPE[tensor.type]),
    bytesField(TENSOR.name, tensor.name),
    ...place,
  ])
}

/** A model file of one graph; its parts come from `node`, `valueInfo` and `initializer`. IR 8 and opset 17 are of 2022. */
export function modelFile(graph: {
  name: string
  inputs: readonly Uint8Array[]
  outputs: readonly Uint8Array[]
  nodes: readonly Uint8Array[]
  initializers: readonly Uint8Array[]
}): Uint8Array {
  const message = concatenated([
    ...graph.nodes.map((each) => bytesField(GRAPH.node, each)),
    bytesField(GRAPH.name, graph.name),
    ...graph.initializers.map((each) => bytesField(GRAPH.initializer, each)),
    ...graph.inputs.map((each) => bytesField(GRAPH.input, each)),
    ...graph.outputs.map((each) => bytesField(GRAPH.output, each)),
  ])
  return concatenated([
    integerField(MODEL.irVersion, 8),
    bytesField(MODEL.graph, message),
    bytesField(MODEL.opsetImport, concatenated([bytesField(1, ''), integerField(2, 17)])),
  ])
}
