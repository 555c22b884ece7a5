import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { clipTokenizer, readClipTokenizer } from '../../../inference-server/text/clip-tokenizer.ts'

/** Made by inference-server/references/clip_tokenizer.py: a vocabulary, and what transformers' CLIPTokenizer makes of texts. */
const FIXTURES = fileURLToPath(new URL('../fixtures/clip-tokenizer', import.meta.url))
const expected: { text: string; ids: number[] }[] = JSON.parse(await readFile(join(FIXTURES, 'expected.json'), 'utf8'))

async function aDirectory(t: ExecutionContext, files: readonly string[], others: Record<string, string> = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'tokenizer-'))
  t.teardown(() => rm(directory, { recursive: true }))
  await mkdir(join(directory, 'onnx'))
  for (const file of files) await cp(join(FIXTURES, file), join(directory, file))
  for (const [file, content] of Object.entries(others)) await writeFile(join(directory, file), content)
  return directory
}

for (const files of [
  ['tokenizer.json', 'tokenizer_config.json'],
  ['vocab.json', 'merges.txt'],
]) {
  test(`texts have the tokens that transformers gives them, by ${files[0]}`, async (t) => {
    const tokenizer = await readClipTokenizer(await aDirectory(t, files), 'onnx/text_model.onnx')
    for (const { text, ids } of expected) t.deepEqual(tokenizer?.tokens(text), ids, text.slice(0, 60))
  })
}

test('a long text is cut, and keeps its end', async (t) => {
  const tokenizer = await readClipTokenizer(FIXTURES, 'model.onnx')
  const tokens = tokenizer?.tokens('word '.repeat(40), 10) ?? []
  t.is(tokens.length, 10)
  t.is(tokens.at(-1), tokenizer?.end)
})

test('nobody can end a text early by writing the name of the end', async (t) => {
  const tokenizer = await readClipTokenizer(FIXTURES, 'model.onnx')
  const tokens = tokenizer?.tokens('a <|endoftext|> cat') ?? []
  t.is(tokens.indexOf(tokenizer?.end ?? 0), tokens.length - 1)
})

test('a folder without a tokenizer has none', async (t) => {
  t.is(await readClipTokenizer(await aDirectory(t, []), 'onnx/model.onnx'), undefined)
})

test('the tokenizer of another kind of model is refused', async (t) => {
  const bert = await aDirectory(t, [], {
    'tokenizer.json': JSON.stringify({ model: { type: 'WordPiece', vocab: {} } }),
  })
  await t.throwsAsync(readClipTokenizer(bert, 'model.onnx'), {
    message: /tokenizer.json is not what CLIP's tokenizer has/,
  })
  t.throws(() => clipTokenizer({ a: 0 }, []), { message: /not CLIP's/ })
})
