import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { tabular, tabularOutputs } from '../../../../inference-server/families/tabular.ts'
import type { Signature, Value } from '../../../../inference-server/runtime/model.ts'
import type { Tensor, Tensors } from '../../../../inference-server/runtime/tensors.ts'
import { plainLabel, predictionOf } from '../../../../inference-server/tasks/predict/answer.ts'
import { graphFacts, withoutZipMap } from '../../../../inference-server/tasks/predict/graph.ts'
import { layoutOf } from '../../../../inference-server/tasks/predict/layout.ts'
import { feedsOf } from '../../../../inference-server/tasks/predict/rows.ts'

/** Made by inference-server/references/tabular.py: models, and what scikit-learn, XGBoost and LightGBM predict themselves. */
const FIXTURES = fileURLToPath(new URL('../../fixtures/tabular', import.meta.url))
const NAMES = (await readdir(FIXTURES)).filter((name) => name.endsWith('.onnx')).map((name) => name.slice(0, -5))

/** The largest difference of a probability or a regressor's value, relative to values above 1: exports count in float32. */
const TOLERANCE = 2e-6

type Expected = {
  rows: unknown[][]
  predictions: (string | number | number[])[]
  probabilities?: number[][]
  scores?: number[][]
}

const signatureOf = (session: InferenceSession): Signature => ({
  inputs: session.inputMetadata.map(declared),
  outputs: session.outputMetadata.map(declared),
})

const declared = (metadata: InferenceSession.ValueMetadata): Value => ({
  name: metadata.name,
  type: metadata.isTensor ? metadata.type : 'map',
  shape: metadata.isTensor ? metadata.shape : [],
  isTensor: metadata.isTensor,
})

async function run(session: InferenceSession, feeds: Tensors): Promise<Tensors> {
  const given = Object.entries(feeds).map(([name, { type, data, dims }]) => [
    name,
    type === 'string' ? new OrtTensor('string', data, dims) : new OrtTensor(type, data as Float32Array, dims),
  ])
  const outputs = session.outputMetadata.filter(({ isTensor }) => isTensor).map(({ name }) => name)
  const results = await session.run(Object.fromEntries(given), outputs)
  return Object.fromEntries(
    Object.entries(results).map(([name, { type, data, dims }]) => [name, { type, data, dims } as unknown as Tensor]),
  )
}

/** The largest relative difference between two lists of lists. */
function difference(actual: readonly unknown[], expected: readonly unknown[]): number {
  const [a, b] = [actual.flat(2).map(Number), expected.flat(2).map(Number)]
  if (a.length !== b.length) return Number.POSITIVE_INFINITY
  return Math.max(...a.map((value, at) => Math.abs(value - (b[at] ?? 0)) / Math.max(1, Math.abs(b[at] ?? 0))))
}

test('there are models of every kind', (t) => t.true(NAMES.length >= 20))

for (const name of NAMES) {
  test(`${name} answers as the library that trained it`, async (t) => {
    const file = await readFile(join(FIXTURES, `${name}.onnx`))
    const expected: Expected = JSON.parse(await readFile(join(FIXTURES, `${name}.json`), 'utf8'))
    const facts = graphFacts(file)
    const session = await InferenceSession.create(facts.zipMap ? withoutZipMap(file) : file, { logSeverityLevel: 4 })
    const signature = signatureOf(session)
    t.is(tabular.part(signature), 'model')
    const outputs = tabularOutputs(signature)
    if (!outputs) return t.fail('the outputs are not known')
    const layout = layoutOf(signature)
    const rows = expected.rows.slice(0, layout.rowsPerRun)
    const answer = predictionOf(await run(session, feedsOf(layout, rows)), outputs, facts.classes?.map(plainLabel))

    const predictions = expected.predictions.slice(0, rows.length)
    if (outputs.values !== undefined) {
      t.true(difference(answer.predictions, predictions) < TOLERANCE)
      return
    }
    t.deepEqual(answer.predictions, predictions)
    // Distances come from differences of squares, which loses digits in float32.
    if (expected.scores) t.true(difference(answer.scores ?? [], expected.scores) < 5e-5)
    const { probabilities } = expected
    if (!probabilities) {
      t.is(answer.probabilities, undefined, 'what is no probability is not called one')
      t.is(answer.confidence_scores, undefined)
      return
    }
    t.true(difference(answer.probabilities ?? [], probabilities.slice(0, rows.length)) < TOLERANCE)
    const indices = probabilities.slice(0, rows.length).map((row) => row.indexOf(Math.max(...row)))
    t.deepEqual(answer.class_indices, indices)
    t.true(
      difference(
        answer.confidence_scores ?? [],
        indices.map((index, row) => probabilities[row]?.[index]),
      ) < TOLERANCE,
    )
    t.deepEqual(
      answer.class_indices?.map((index) => answer.classes?.[index] ?? index),
      answer.predictions,
    )
  })
}
