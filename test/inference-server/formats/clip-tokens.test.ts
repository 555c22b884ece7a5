import { readFile } from 'node:fs/promises'
import test from 'ava'
import fc from 'fast-check'
import { clipTokenizer } from '../../../inference-server/formats/clip-tokens.ts'

const fixture = (name: string) => readFile(new URL(`../fixtures/sam3/${name}`, import.meta.url), 'utf8')
const tokenizer = clipTokenizer(await fixture('merges.txt'))
const { texts } = JSON.parse(await fixture('expected.json')) as { texts: { text: string; tokens: number[] }[] }

for (const { text, tokens } of texts) {
  test(`"${text}" has the tokens that OpenAI's tokenizer gives`, (t) => {
    t.deepEqual(tokenizer.encode(text, 32), tokens)
  })
}

test('a text that is too long has none', (t) => {
  t.is(tokenizer.encode('cup '.repeat(31), 32), undefined)
  t.is(tokenizer.encode('cup '.repeat(30), 32)?.length, 32)
})

test('whatever the text, every token is one of the vocabulary, between those of start and end', (t) => {
  const [start, end] = [2512, 2513]
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
      const tokens = tokenizer.encode(text, 300) ?? []
      t.is(tokens[0], start)
      t.true(tokens.includes(end))
      t.true(tokens.every((token) => Number.isInteger(token) && token >= 0 && token <= end))
    }),
    { numRuns: 300 },
  )
})
