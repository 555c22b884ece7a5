import { readFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import sharp from 'sharp'
import { composeServer } from '../compose.ts'
import { loadConfig } from '../config.ts'
import { generatedScenes, type Scene } from './scenes.ts'

/** How well one mask fits. */
export type Score = { name: string; iou: number; confidence: number }

/** Area in common over area of either, of two masks of one size; over 127 is inside. */
export function intersectionOverUnion(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) throw new RangeError(`masks of ${a.length} and ${b.length} pixels`)
  let both = 0
  let either = 0
  for (let at = 0; at < a.length; at++) {
    const [inA, inB] = [(a[at] ?? 0) > 127, (b[at] ?? 0) > 127]
    if (inA && inB) both++
    if (inA || inB) either++
  }
  return either === 0 ? 1 : both / either
}

/** Sends scenes through a running server's own request path and measures the masks that come back. */
export async function evaluate(http: FastifyInstance, scenes: readonly Scene[]): Promise<Score[]> {
  const scores: Score[] = []
  for (const { name, jpeg, mask, prompt } of scenes) {
    const response = await http.inject({
      method: 'POST',
      url: '/invocations',
      payload: { task: 'segment', image: Buffer.from(jpeg).toString('base64'), ...prompt },
    })
    if (response.statusCode !== 200) throw new Error(`${name}: ${response.statusCode} ${response.body}`)
    const answer = response.json<{ mask: string; confidence_score: number }>()
    const pixels = await sharp(Buffer.from(answer.mask, 'base64')).extractChannel(0).raw().toBuffer()
    scores.push({ name, iou: intersectionOverUnion(pixels, mask.pixels), confidence: answer.confidence_score })
  }
  return scores
}

/** The photograph under samples/photo with its hand-drawn mask. */
export async function photoScene(): Promise<Scene> {
  const file = (name: string) => new URL(`../../samples/photo/${name}`, import.meta.url)
  const { data, info } = await sharp(await readFile(file('coffee.mask.png')))
    .extractChannel(0)
    .raw()
    .toBuffer({ resolveWithObject: true })
  return {
    name: 'photograph (coffee), one point',
    jpeg: await readFile(file('coffee.jpg')),
    mask: { pixels: data, width: info.width, height: info.height },
    prompt: JSON.parse(await readFile(file('prompt.json'), 'utf8')),
  }
}

/** `node inference-server/models/evaluate.ts [model directory]` */
async function main(directory: string): Promise<void> {
  const config = loadConfig({ SM_MODEL_DIR: directory, MOORING_CACHE_MB: '0' }, [])
  const app = composeServer(config, 'cpu', pino({ level: 'silent' }))
  await app.load()
  const scores = await evaluate(app.http, [...(await generatedScenes()), await photoScene()])
  await app.close()
  console.log('|scene|IoU|predicted|\n|---|---|---|')
  for (const { name, iou, confidence } of scores) console.log(`|${name}|${iou.toFixed(3)}|${confidence.toFixed(3)}|`)
  const mean = scores.reduce((sum, { iou }) => sum + iou, 0) / scores.length
  console.log(`|mean|${mean.toFixed(3)}||`)
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(process.argv[2] ?? new URL('./sam-lite', import.meta.url).pathname)
}
