import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure } from '../../core/errors.ts'
import { tabular, tabularOutputs } from '../../families/tabular.ts'
import { NPY_MEDIA_TYPE } from '../../formats/npy.ts'
import type { Model } from '../../runtime/model.ts'
import { workModule } from '../../runtime/offload.ts'
import type { Tensors } from '../../runtime/tensors.ts'
import { defineTask, type InputFile, type TaskContext, type TaskHost } from '../task.ts'
import { plainLabel, predictionOf } from './answer.ts'
import { CSV_TYPE, tableOf } from './forms.ts'
import { type GraphFacts, graphFacts, withoutZipMap } from './graph.ts'
import { type Layout, layoutOf } from './layout.ts'
import { feedsOf, type Row } from './rows.ts'
import { runRows } from './run.ts'
import { Answer, Fields, isOneRow, Settings } from './schema.ts'
import { feedsOfFile } from './table.ts'

const work = workModule<typeof import('./table.ts')>(new URL('./table.ts', import.meta.url))

/** A table in a file up to this size is read faster than it is handed to another thread. */
const MAX_INLINE_BYTES = 16 * 1024

export const predict = defineTask({
  name: 'predict',
  summary: 'Classes or values of the rows of a table, by a model of scikit-learn, XGBoost, LightGBM and the like.',
  files: {
    data: {
      mediaTypes: [CSV_TYPE, NPY_MEDIA_TYPE],
      required: false,
      description: 'The rows as CSV or as a NumPy array [rows, columns].',
    },
  },
  fields: Fields,
  answer: Answer,
  artifacts: {
    table: {
      description:
        'The predictions as CSV (each row: class or values, then probabilities; no header) or as a NumPy array.',
      contentTypes: [CSV_TYPE, NPY_MEDIA_TYPE],
    },
  },
  settings: Settings,
  async bind(host) {
    const found = host.models.parts(tabular)?.model
    if (!found) return undefined
    const settings = Settings.parse(host.settings)
    const facts = await factsOf(host, found)
    const model = await servable(host, found, facts)
    const outputs = tabularOutputs(model.signature)
    if (!outputs) throw new Error(`${model.file} lost its outputs`)
    const layout = layoutOf(model.signature, settings.columns)
    const classes = settings.classes ?? facts.classes?.map(plainLabel)
    const wanted = [outputs.values, outputs.labels, ...outputs.scores].filter((name) => name !== undefined)
    return {
      models: [model],
      example: () => ({ fields: { data: [settings.example ?? exampleRow(layout, facts)] } }),
      async perform({ files, fields: { data, header } }, context) {
        const feeds = await feedsFor(layout, files.data, data, header, context)
        const results = await runRows(context, model, feeds, layout.rowsPerRun, wanted)
        const prediction = await context.phases.time('postprocess', () => predictionOf(results, outputs, classes))
        return { fields: { ...prediction, model: model.file }, artifacts: { table: tableOf(prediction) } }
      },
    }
  },
})

async function feedsFor(
  layout: Layout,
  file: InputFile | undefined,
  data: readonly unknown[] | undefined,
  header: 'present' | 'absent' | undefined,
  context: TaskContext,
): Promise<Tensors> {
  if (file && data) throw new Failure('InvalidParameters', 'Give the rows once: as "data", or as a file.')
  if (data) return feedsOf(layout, (isOneRow(data) ? [data] : data) as readonly Row[])
  if (!file) throw new Failure('InvalidRequest', '"data" is missing: give rows as lists, or a CSV or NumPy file.')
  if (file.bytes.length <= MAX_INLINE_BYTES) return feedsOfFile(layout, file.bytes, header)
  return context.offload(work, 'feedsOfFile', [layout, file.bytes, header], { phase: 'preprocess' })
}

async function factsOf({ models }: TaskHost, { file }: Model): Promise<GraphFacts & { bytes: Uint8Array }> {
  const bytes = await readFile(join(models.directory, file))
  try {
    return { ...graphFacts(bytes), bytes }
  } catch (cause) {
    throw new Error(`${file}: ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
}

/** The model itself, or one whose every output onnxruntime-node can hand over. */
async function servable(
  host: TaskHost,
  model: Model,
  { zipMap, bytes }: GraphFacts & { bytes: Uint8Array },
): Promise<Model> {
  return zipMap ? host.open({ file: model.file, bytes: withoutZipMap(bytes) }) : model
}

/** A row that a model can most likely answer: zeros, and of categories one that it lists. */
function exampleRow(layout: Layout, { categories }: GraphFacts): unknown[] {
  return layout.inputs.flatMap(({ name, type, width = 1 }) =>
    new Array<unknown>(width).fill(type === 'string' ? (categories.get(name) ?? '') : type === 'bool' ? false : 0),
  )
}
