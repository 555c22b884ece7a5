import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { Failure } from '../../core/errors.ts'
import { tabular, tabularOutputs } from '../../families/tabular.ts'
import { NPY_MEDIA_TYPE } from '../../formats/npy.ts'
import { join as joinTensors } from '../../runtime/batch.ts'
import type { Model } from '../../runtime/model.ts'
import { workModule } from '../../runtime/offload.ts'
import type { Tensors } from '../../runtime/tensors.ts'
import { defineTask, type InputFile, type TaskContext, type TaskHost } from '../task.ts'
import { plainLabel, predictionOf } from './answer.ts'
import { CSV_TYPE, tableOf } from './forms.ts'
import { type GraphFacts, graphFacts, withoutZipMap } from './graph.ts'
import { type Layout, layoutOf } from './layout.ts'
import { checkSize, feedsOf, type Row } from './rows.ts'
import { runRows } from './run.ts'
import { Answer, Fields, isOneRow, Settings } from './schema.ts'
import { feedsOfFile } from './table.ts'

const work = workModule<typeof import('./table.ts')>(new URL('./table.ts', import.meta.url))

/** A table in a file up to this size is read faster than it is handed to another thread. */
const MAX_INLINE_BYTES = 16 * 1024

/** Cells that are put into tensors in a millisecond or so. */
const CELLS_IN_A_TURN = 50_000

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
    const { model, facts } = await servable(host, found)
    const outputs = tabularOutputs(model.signature)
    if (!outputs) throw new Error(`${model.file} lost its outputs`)
    const layout = layoutOf(model.signature, settings.columns)
    const example = settings.example ?? exampleRow(layout, facts)
    const classes = settings.classes ?? facts.classes?.map(plainLabel)
    const wanted = [outputs.values, outputs.labels, ...outputs.scores].filter((name) => name !== undefined)
    return {
      models: [model],
      example: () => ({ fields: { data: [example] } }),
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
  if (data) return feedsInTurns(layout, (isOneRow(data) ? [data] : data) as readonly Row[], context)
  if (!file) throw new Failure('InvalidRequest', '"data" is missing: give rows as lists, or a CSV or NumPy file.')
  if (file.bytes.length <= MAX_INLINE_BYTES) return feedsOfFile(layout, file.bytes, header)
  return context.offload(work, 'feedsOfFile', [layout, file.bytes, header], { phase: 'preprocess' })
}

/** The rows as feeds; many of them in turns with what else the event loop has to do. */
async function feedsInTurns(layout: Layout, rows: readonly Row[], { phases }: TaskContext): Promise<Tensors> {
  const { columns } = layout
  const turn = columns === undefined ? rows.length : Math.max(1, Math.floor(CELLS_IN_A_TURN / columns))
  if (columns === undefined || rows.length <= turn) return feedsOf(layout, rows)
  checkSize(rows.length, columns)
  const parts: Tensors[] = []
  for (let first = 0; first < rows.length; first += turn) {
    parts.push(await phases.time('preprocess', () => feedsOf(layout, rows.slice(first, first + turn), { first })))
    await setImmediate()
  }
  return joinTensors(parts)
}

/** The model itself, or one whose every output onnxruntime-node can hand over; and what its file says of it. */
async function servable(host: TaskHost, model: Model): Promise<{ model: Model; facts: GraphFacts }> {
  const { file } = model
  const bytes = await readFile(join(host.models.directory, file))
  try {
    const facts = graphFacts(bytes)
    return { facts, model: facts.zipMap ? await host.open({ file, bytes: withoutZipMap(bytes) }) : model }
  } catch (cause) {
    throw new Error(`${file}: ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
}

/** A row that a model can most likely answer: zeros, and of categories one that it lists. */
function exampleRow(layout: Layout, { categories }: GraphFacts): unknown[] {
  return layout.inputs.flatMap(({ name, type, width = 1 }) =>
    new Array<unknown>(width).fill(type === 'string' ? (categories.get(name) ?? '') : type === 'bool' ? false : 0),
  )
}
