import { clip } from '../../families/clip.ts'
import type { Models } from '../../families/family.ts'
import type { Model } from '../../runtime/model.ts'
import { floatsOf, int64, type Tensor } from '../../runtime/tensors.ts'
import { readClipTokenizer } from '../../text/clip-tokenizer.ts'
import { normalised } from '../get-embedding/image-embedder.ts'
import type { TaskContext } from '../task.ts'

/** A text tower whose vectors are of one space with pictures'. */
export type TextEmbedder = {
  model: Model
  /** The vector's length; undefined where the model leaves it open. */
  dimension: number | undefined
  /** The text's embedding with a Euclidean length of 1. */
  embed(text: string, context: TaskContext): Promise<Float32Array>
}

const EMBEDS = 'text_embeds'

/**
 * CLIP's text tower and its tokenizer, where they are.
 * @throws Error when there is a text tower without a tokenizer
 */
export async function textEmbedder(models: Models): Promise<TextEmbedder | undefined> {
  const model = models.parts(clip)?.text
  if (!model) return undefined
  const tokenizer = await readClipTokenizer(models.directory, model.file)
  if (!tokenizer) throw new Error(`${model.file} has no tokenizer: put tokenizer.json beside it`)
  const { inputs, outputs } = model.signature
  const [rows, length] = inputs.find(({ name }) => name === 'input_ids')?.shape ?? []
  const fixed = typeof length === 'number' ? length : undefined
  const masked = inputs.some(({ name }) => name === 'attention_mask')
  const dimension = outputs.find(({ name }) => name === EMBEDS)?.shape[1]
  return {
    model,
    dimension: typeof dimension === 'number' ? dimension : undefined,
    async embed(text, context) {
      const tokens = tokenizer.tokens(text, fixed ?? tokenizer.maxLength)
      const filled = [...tokens, ...new Array<number>(Math.max(0, (fixed ?? 0) - tokens.length)).fill(tokenizer.end)]
      const feeds: Record<string, Tensor> = { input_ids: int64([1, filled.length], filled) }
      if (masked)
        feeds.attention_mask = int64(
          [1, filled.length],
          filled.map((_, at) => (at < tokens.length ? 1 : 0)),
        )
      const results = await context.run(model, feeds, { outputs: [EMBEDS], batch: typeof rows !== 'number' })
      return normalised(floatsOf(results, EMBEDS).data)
    },
  }
}
