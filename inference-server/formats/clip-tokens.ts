/** CLIP's byte-pair encoding of text: what SAM 3's and CLIP's text towers take. */
export type ClipTokenizer = {
  /**
   * The tokens of a text between those of its start and its end, followed by zeros; undefined when there are more than `length`.
   */
  encode(text: string, length: number): number[] | undefined
}

/** The merges of CLIP's vocabulary; files of more (OpenAI's has 262,144 lines) count up to here. */
const MERGES = 49_152 - 256 - 2
const WORD = /<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+/giu
const END_OF_WORD = '</w>'

/**
 * The tokenizer of a list of merges, a header line and then two parts a line: `merges.txt` as Hugging Face has it, or OpenAI's
 * `bpe_simple_vocab_16e6.txt` unpacked. Tokens are numbered as OpenAI's simple_tokenizer.py does: bytes, bytes that end a word,
 * merges, start and end.
 */
export function clipTokenizer(merges: string): ClipTokenizer {
  const pairs = merges
    .split('\n')
    .slice(1, MERGES + 1)
    .map((line) => line.trim())
    .filter((line) => line.length > 0)
  const bytes = byteCharacters()
  const ranks = new Map(pairs.map((pair, rank) => [pair, rank]))
  const vocabulary = [
    ...bytes.order,
    ...bytes.order.map((character) => character + END_OF_WORD),
    ...pairs.map((pair) => pair.replace(' ', '')),
  ]
  const numbers = new Map(vocabulary.map((token, number) => [token, number]))
  const [start, end] = [vocabulary.length, vocabulary.length + 1]

  function tokensOf(word: string): number[] {
    if (word === '<|startoftext|>') return [start]
    if (word === '<|endoftext|>') return [end]
    const characters = Array.from(Buffer.from(word, 'utf8'), (byte) => bytes.of[byte] ?? '')
    return merge(characters, ranks).map((token) => numbers.get(token) ?? 0)
  }

  return {
    encode(text, length) {
      const words = text.normalize('NFC').replace(/\s+/gu, ' ').trim().toLowerCase().match(WORD) ?? []
      const tokens = [start, ...words.flatMap(tokensOf), end]
      return tokens.length > length ? undefined : [...tokens, ...Array<number>(length - tokens.length).fill(0)]
    },
  }
}

/** Joins the two neighbours that come first in the list of merges, until none is in it. */
function merge(characters: readonly string[], ranks: ReadonlyMap<string, number>): string[] {
  let parts = characters.map((character, at) => (at === characters.length - 1 ? character + END_OF_WORD : character))
  while (parts.length > 1) {
    let [best, rank] = ['', Number.POSITIVE_INFINITY]
    for (let at = 0; at + 1 < parts.length; at++) {
      const pair = `${parts[at]} ${parts[at + 1]}`
      const found = ranks.get(pair)
      if (found !== undefined && found < rank) [best, rank] = [pair, found]
    }
    if (rank === Number.POSITIVE_INFINITY) break
    const joined: string[] = []
    for (let at = 0; at < parts.length; at++) {
      const together = at + 1 < parts.length && `${parts[at]} ${parts[at + 1]}` === best
      joined.push(together ? `${parts[at]}${parts[at + 1]}` : (parts[at] ?? ''))
      if (together) at++
    }
    parts = joined
  }
  return parts
}

/** A printable character for every byte, as OpenAI's bytes_to_unicode has it, and the order in which they are numbered. */
function byteCharacters(): { of: string[]; order: string[] } {
  const printable = [...range('!', '~'), ...range('¡', '¬'), ...range('®', 'ÿ')]
  const of: string[] = []
  for (const byte of printable) of[byte] = String.fromCharCode(byte)
  const order = printable.map((byte) => String.fromCharCode(byte))
  for (let byte = 0; byte < 256; byte++) {
    if (of[byte] !== undefined) continue
    const character = String.fromCharCode(256 + order.length - printable.length)
    of[byte] = character
    order.push(character)
  }
  return { of, order }
}

function range(first: string, last: string): number[] {
  const start = first.charCodeAt(0)
  return Array.from({ length: last.charCodeAt(0) - start + 1 }, (_, at) => start + at)
}
