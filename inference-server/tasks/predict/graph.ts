import {
  attributeValues,
  bytesAt,
  GRAPH,
  graphOf,
  MODEL,
  type Node,
  node,
  nodeOf,
  nodesOf,
  valueInfo,
} from '../../formats/onnx.ts'
import { bytesField, concatenated, fieldsOf, textOf } from '../../formats/protobuf.ts'

/** What the runtime's metadata do not tell of a tabular model, read from its file. */
export type GraphFacts = {
  /** The classes in the order of the probabilities, where the graph names them. */
  classes: readonly (string | bigint)[] | undefined
  /** The graph answers with ZipMap, a list of dictionaries, which onnxruntime-node cannot hand over (onnxruntime #8007). */
  zipMap: boolean
  /** For an input of strings a category that the model knows: others may be refused by its encoder. */
  categories: ReadonlyMap<string, string>
}

const LABELS = ['classlabels_int64s', 'classlabels_ints', 'classlabels_strings'] as const
const KNOWN_STRINGS = ['cats_strings', 'keys_strings'] as const

export function graphFacts(model: Uint8Array): GraphFacts {
  const nodes = [...nodesOf(graphOf(model))]
  return {
    classes: nodes.map(labels).findLast((found) => found.length > 0),
    zipMap: nodes.some((each) => each.opType === 'ZipMap'),
    categories: knownCategories(nodes),
  }
}

/**
 * The same model with probabilities as a plain tensor: each ZipMap, which only pairs them with the class names, becomes an
 * Identity of the same name. The classes stay known by `graphFacts` of the original.
 */
export function withoutZipMap(model: Uint8Array): Uint8Array {
  const outputs = new Set<string>()
  let classes = 0
  for (const each of nodesOf(graphOf(model))) {
    if (each.opType !== 'ZipMap') continue
    for (const output of each.outputs) outputs.add(output)
    classes = labels(each).length
  }
  const graph = Array.from(fieldsOf(graphOf(model)), (field) => {
    if (field.wire !== 'bytes') return field.raw
    if (field.number === GRAPH.node) {
      const { opType, inputs, outputs: names } = nodeOf(field.value)
      return opType === 'ZipMap' ? bytesField(GRAPH.node, node('Identity', inputs, names)) : field.raw
    }
    if (field.number !== GRAPH.output) return field.raw
    const name = textOf(bytesAt(field.value, 1) ?? new Uint8Array())
    return outputs.has(name) ? bytesField(GRAPH.output, valueInfo(name, 'float32', ['', classes])) : field.raw
  })
  const fields = Array.from(fieldsOf(model), (field) =>
    field.number === MODEL.graph ? bytesField(MODEL.graph, concatenated(graph)) : field.raw,
  )
  return concatenated(fields)
}

const labels = (each: Node): readonly (string | bigint)[] =>
  LABELS.map((name) => each.attributes.get(name))
    .map((attribute) => (attribute ? attributeValues(attribute) : []))
    .find((values) => values.length > 0) ?? []

/** Follows every value from where it enters to the first encoder that lists its categories. */
function knownCategories(nodes: readonly Node[]): ReadonlyMap<string, string> {
  const categories = new Map<string, string>()
  // Backwards: what a node knows of its output holds for its inputs, if it does not know better itself.
  for (const each of nodes.toReversed()) {
    const own = KNOWN_STRINGS.map((name) => each.attributes.get(name))
      .map((attribute) => (attribute ? attributeValues(attribute)[0] : undefined))
      .find((value) => typeof value === 'string')
    const known = own ?? each.outputs.map((output) => categories.get(output)).find((value) => value !== undefined)
    if (known !== undefined) for (const input of each.inputs) categories.set(input, known)
  }
  return categories
}
