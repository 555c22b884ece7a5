import test from 'ava'
import sharp from 'sharp'
import { sample } from '../fixtures/samples.ts'
import { realApp } from '../fixtures/world.ts'

const server = realApp(sample('clip-lite'), { requests: 1000 })
test.before(() => server.load())
test.after.always(() => server.close())

async function embed(picture: Buffer): Promise<number[]> {
  const answer = await server.http.inject({
    method: 'POST',
    url: '/invocations?task=get_embedding',
    headers: { 'content-type': 'image/png' },
    payload: picture,
  })
  return answer.json<{ embedding: number[] }>().embedding
}

const similarity = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0)

const COLOURS = ['#c02020', '#208040', '#2040c0', '#e0b020']
const PATTERNS = {
  plain: '',
  stripes: Array.from({ length: 8 }, (_, i) => `<rect x="0" y="${i * 40}" width="320" height="14" fill="#fff"/>`).join(
    '',
  ),
  bars: Array.from({ length: 8 }, (_, i) => `<rect x="${i * 40}" y="0" width="14" height="320" fill="#fff"/>`).join(''),
}

/** Twelve things: four colours, each plain, with stripes across and with bars down. */
const THINGS = COLOURS.flatMap((colour) => Object.values(PATTERNS).map((pattern) => ({ colour, pattern })))

/** A thing on a grey ground, moved, lit otherwise, and compressed. */
async function photographed(thing: (typeof THINGS)[number], way: number): Promise<Buffer> {
  const body = `<g transform="translate(${40 + way * 9} ${30 + way * 7}) scale(0.75)">
    <rect width="320" height="320" rx="40" fill="${thing.colour}"/>${thing.pattern}</g>`
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="320" height="320">
    <rect width="320" height="320" fill="#d0d0d0"/>${body}</svg>`
  const jpeg = await sharp(Buffer.from(svg))
    .modulate({ brightness: 1 - way * 0.06 })
    .jpeg({ quality: 60 })
    .toBuffer()
  return sharp(jpeg).png().toBuffer()
}

test('of twelve things each is nearest to itself, moved and lit otherwise', async (t) => {
  const catalogue = await Promise.all(THINGS.map(async (thing) => embed(await photographed(thing, 0))))
  let found = 0
  for (const [expected, thing] of THINGS.entries()) {
    for (const way of [1, 2, 3]) {
      const query = await embed(await photographed(thing, way))
      const scores = catalogue.map((each) => similarity(each, query))
      if (scores.indexOf(Math.max(...scores)) === expected) found++
    }
  }
  t.true(found >= 34, `${found} of 36`)
})

test('things of other colours are far apart, the same thing lit otherwise is near', async (t) => {
  const [red, green] = [THINGS[0], THINGS[3]]
  if (!red || !green) throw new Error('there are twelve things')
  const [a, b, c] = await Promise.all([photographed(red, 0), photographed(red, 1), photographed(green, 0)])
  const [first, again, other] = await Promise.all([a, b, c].map(embed))
  t.true(similarity(first ?? [], again ?? []) > similarity(first ?? [], other ?? []) + 0.1)
})
