import { readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { z } from 'zod'

/** Text as CLIP's text tower takes it. */
export type ClipTokenizer = {
  /** The token that ends every text, and that shorter texts are filled up with. */
  end: number
  /** Tokens that a text may have, its start and end included. */
  maxLength: number
  /** The start, the text's tokens, and the end; what is beyond `length` is left out, the end is not. */
  tokens(text: string, length?: number): number[]
}

/** That of OpenAI's CLIP and all that were trained like it. */
const USUAL_LENGTH = 77
/** Of the last token of a word. */
const WORD_END = '</w>'
const START = '<|startoftext|>'
const END = '<|endoftext|>'
/** Words, one digit each, and runs of what is neither: the pattern of CLIP's own tokenizer. */
const WORDS = /'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+/gu
/** Words whose tokens are kept; more are of another language than the usual one. */
const KEPT_WORDS = 20_000

const Merges = z.array(z.union([z.string(), z.tuple([z.string(), z.string()])]))
const TokenizerFile = z.object({
  model: z.object({ type: z.literal('BPE').optional(), vocab: z.record(z.string(), z.int()), merges: Merges }),
})
const TokenizerConfig = z.object({ model_max_length: z.number().optional() })

/**
 * The tokenizer of a model, from transformers' files beside it or in a folder above, up to the model directory: `tokenizer.json`,
 * or `vocab.json` and `merges.txt`. Undefined where there are none.
 * @throws Error for files that are not CLIP's byte-level byte-pair encoding
 */
export async function readClipTokenizer(directory: string, modelFile: string): Promise<ClipTokenizer | undefined> {
  for (
    let folder = dirname(join(directory, modelFile));
    !relative(directory, folder).startsWith('..');
    folder = dirname(folder)
  ) {
    const config = await parsed(join(folder, 'tokenizer_config.json'), TokenizerConfig)
    const length = Math.min(config?.model_max_length ?? USUAL_LENGTH, 512)
    const whole = await parsed(join(folder, 'tokenizer.json'), TokenizerFile)
    if (whole) return clipTokenizer(whole.model.vocab, whole.model.merges.map(pairOf), length)
    const vocabulary = await parsed(join(folder, 'vocab.json'), z.record(z.string(), z.int()))
    const merges = await text(join(folder, 'merges.txt'))
    if (vocabulary && merges !== undefined) {
      const lines = merges.split('\n').filter((line) => line !== '' && !line.startsWith('#version'))
      return clipTokenizer(vocabulary, lines.map(pairOf), length)
    }
  }
  return undefined
}

/**
 * CLIP's tokenizer (openai/CLIP, clip/simple_tokenizer.py) by transformers' rules: NFC, white space as one blank, lower case, words,
 * and in each the pairs of bytes that were merged earliest in training. Unlike transformers', it takes the names of the start
 * and end in a text for what they are, text: nobody can end a text early.
 */
export function clipTokenizer(
  vocabulary: Readonly<Record<string, number>>,
  merges: readonly (readonly [string, string])[],
  maxLength = USUAL_LENGTH,
): ClipTokenizer {
  const [start, end] = [vocabulary[START], vocabulary[END]]
  if (start === undefined || end === undefined)
    throw new Error(`the vocabulary has no ${START} and ${END}: it is not CLIP's`)
  const ranks = new Map(merges.map(([left, right], rank) => [`${left} ${right}`, rank]))
  const ids: ReadonlyMap<string, number> = new Map(Object.entries(vocabulary))
  const known = new Map<string, number[]>()

  const wordTokens = (word: string): number[] => {
    const kept = known.get(word)
    if (kept) return kept
    const tokens = merged(word, ranks).map((part) => ids.get(part) ?? end)
    if (known.size < KEPT_WORDS) known.set(word, tokens)
    return tokens
  }

  return {
    end,
    maxLength,
    tokens(given, length = maxLength) {
      // Letter by letter, as transformers does: a sigma at the end of a word is like any other.
      const plain = Array.from(given.normalize('NFC').replace(/\s+/g, ' '), (letter) => letter.toLowerCase()).join('')
      const inner = (plain.match(WORDS) ?? []).flatMap(wordTokens)
      return [start, ...inner.slice(0, Math.max(0, length - 2)), end]
    },
  }
}

/** The parts of a word after all merges, the earliest learnt first. */
function merged(word: string, ranks: ReadonlyMap<string, number>): string[] {
  let parts = Array.from(Buffer.from(word), (byte) => BYTES[byte] ?? '')
  parts.push((parts.pop() ?? '') + WORD_END)
  for (;;) {
    let best = Number.POSITIVE_INFINITY
    for (let at = 0; at + 1 < parts.length; at++) best = Math.min(best, rankAt(parts, at, ranks))
    if (best === Number.POSITIVE_INFINITY) return parts
    const next: string[] = []
    for (let at = 0; at < parts.length; at++) {
      const joined = at + 1 < parts.length && rankAt(parts, at, ranks) === best
      next.push(joined ? `${parts[at]}${parts[at + 1]}` : (parts[at] ?? ''))
      if (joined) at++
    }
    parts = next
  }
}

const rankAt = (parts: readonly string[], at: number, ranks: ReadonlyMap<string, number>): number =>
  ranks.get(`${parts[at]} ${parts[at + 1]}`) ?? Number.POSITIVE_INFINITY

/** GPT-2's `bytes_to_unicode`: printable bytes stand for themselves, the others for letters from U+0100 on. */
const BYTES: readonly string[] = (() => {
  const printable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte !== 173)
  let next = 256
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : next++))
})()

function pairOf(merge: string | readonly [string, string]): readonly [string, string] {
  if (typeof merge !== 'string') return merge
  const [left = '', right = ''] = merge.trimEnd().split(' ')
  return [left, right]
}

async function text(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function parsed<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const content = await text(path)
  if (content === undefined) return undefined
  try {
    return schema.parse(JSON.parse(content))
  } catch (cause) {
    throw new Error(`${path} is not what CLIP's tokenizer has`, { cause })
  }
}
