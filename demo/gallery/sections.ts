import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generatedScenes } from '../../inference-server/models/scenes.ts'
import { planPicture, products, queryPicture } from './drawings.ts'
import { contactSheet, matrix, type Prompt, probabilityBars, promptedMask } from './overlays.ts'
import type { Figure, Section } from './page.ts'
import { drawPoints, readPoints } from './point-cloud.ts'
import { withServer } from './server.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const MODELS = join(ROOT, 'inference-server', 'models')
const PHOTO = join(ROOT, 'samples', 'photo')

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
const photo = () => readFile(join(PHOTO, 'coffee.jpg'))
const photoPrompt = async () => JSON.parse(await readFile(join(PHOTO, 'prompt.json'), 'utf8')) as Prompt

/** The tasks in the order of the page; each answers with the server on the models that it needs. */
export const SECTIONS: Readonly<Record<string, () => Promise<Section>>> = {
  segment,
  get_embedding: getEmbedding,
  generate_3d: generate3d,
  detect_rooms: detectRooms,
  recommend,
  predict,
}

function segment(): Promise<Section> {
  return withServer(join(MODELS, 'sam-lite'), async (invoke) => {
    const scenes = (await generatedScenes()).map(({ name, jpeg, prompt }) => ({ name, picture: jpeg, prompt }))
    scenes.unshift({ name: 'photograph, one point', picture: await photo(), prompt: (await photoPrompt()) as never })
    const figures: Figure[] = []
    for (const { name, picture, prompt } of scenes) {
      const mask = await invoke({ task: 'segment', image: base64(picture), ...prompt }, 'image/png')
      figures.push({ caption: name, picture: await promptedMask(picture, mask, prompt), type: 'jpeg' })
    }
    const request = { task: 'segment', image: base64(await photo()), ...(await photoPrompt()) }
    return {
      task: 'segment',
      text: 'sam-lite: SAM 1’s inputs and outputs. Green dots are inside, red crosses outside, frames are box prompts; blue is the mask that came back.',
      figures,
      request,
      answer: await invoke(request),
    }
  })
}

function getEmbedding(): Promise<Section> {
  return withServer(join(MODELS, 'clip-lite'), async (invoke) => {
    const shown = (await products()).filter(({ id }) =>
      ['red-shirt', 'blue-shirt', 'red-mug', 'blue-mug', 'green-lamp', 'grey-shoe'].includes(id),
    )
    const vectors: number[][] = []
    for (const { picture } of shown) {
      const { embedding } = await invoke<{ embedding: number[] }>({ task: 'get_embedding', image: base64(picture) })
      vectors.push(embedding)
    }
    const similarity = vectors.map((a) =>
      vectors.map((b) => a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0)),
    )
    const request = { task: 'get_embedding', image: base64(await photo()) }
    return {
      task: 'get_embedding',
      text: 'clip-lite: the contract of CLIP’s vision tower. Vectors come back with length 1, so that their dot product is their similarity.',
      figures: [
        {
          caption: 'the pictures',
          picture: contactSheet(
            shown.map((product) => ({ product, line: product.name })),
            3,
          ),
          type: 'svg+xml',
        },
        {
          caption: 'the similarity of each to each',
          picture: matrix(
            shown.map(({ name }) => name),
            similarity,
          ),
          type: 'svg+xml',
        },
      ],
      request,
      answer: await invoke(request),
    }
  })
}

async function generate3d(): Promise<Section> {
  const picture = await photo()
  const prompt = await photoPrompt()
  const mask = await withServer(join(MODELS, 'sam-lite'), (invoke) =>
    invoke({ task: 'segment', image: base64(picture), ...prompt }, 'image/png'),
  )
  return withServer(join(MODELS, 'depth-lite'), async (invoke) => {
    const common = { task: 'generate_3d', image: base64(picture), representation: 'points' }
    const whole = await invoke({ ...common, quality: 'high', depth_ratio: 2 }, 'application/x-ply')
    const part = await invoke({ ...common, mask: base64(mask), method: 'inflation' }, 'application/x-ply')
    const views = async (file: Buffer, name: string): Promise<Figure[]> =>
      Promise.all(
        [-25, 0, 25].map(async (degrees) => ({
          caption: `${name}, turned by ${degrees}°`,
          picture: await drawPoints(readPoints(file), degrees),
          type: 'png' as const,
        })),
      )
    const request = { ...common, quality: 'high', depth_ratio: 2 }
    return {
      task: 'generate_3d',
      text: 'depth-lite: the contract of depth models; the picture’s points at the distances that it gives. Then, without a model of shape, the mask of segment as a round body: a fallback, and labelled as such in the answer.',
      figures: [
        { caption: 'the photograph', picture, type: 'jpeg' },
        ...(await views(whole, 'by depth')),
        ...(await views(part, 'the mask, inflated')),
      ],
      request,
      answer: await invoke(request),
    }
  })
}

async function detectRooms(): Promise<Section> {
  const plan = await planPicture()
  return inTemporary(async (directory) => {
    await writeFile(join(directory, 'config.json'), JSON.stringify({ tasks: { detect_rooms: {} } }))
    return withServer(directory, async (invoke) => {
      const request = { task: 'detect_rooms', image: base64(plan) }
      return {
        task: 'detect_rooms',
        text: 'No model: walls are told from furniture by their thickness, doorways are closed, and what they enclose are rooms, as polygons.',
        figures: [
          { caption: 'the plan', picture: plan, type: 'png' },
          { caption: 'the rooms', picture: await invoke(request, 'image/png'), type: 'png' },
        ],
        request,
        answer: await invoke(request),
      }
    })
  })
}

async function recommend(): Promise<Section> {
  const catalogue = await products()
  const query = await queryPicture()
  return inTemporary(async (directory) => {
    await cp(join(MODELS, 'clip-lite'), directory, { recursive: true })
    const items = await withServer(directory, async (invoke) => {
      const listed: Record<string, unknown>[] = []
      for (const { picture, id, name, shape, colour } of catalogue) {
        const { embedding } = await invoke<{ embedding: number[] }>({ task: 'get_embedding', image: base64(picture) })
        listed.push({ id, name, shape, colour, embedding })
      }
      return listed
    })
    await writeFile(join(directory, 'catalogue.json'), JSON.stringify(items))
    return withServer(directory, async (invoke) => {
      type Found = { recommendations: { id: string; score: number }[] }
      const request = { task: 'recommend', image: base64(query), top_k: 6 }
      const filtered = { ...request, filter: { shape: 'mug' } }
      const sheet = ({ recommendations }: Found) =>
        contactSheet(
          recommendations.flatMap(({ id, score }) => {
            const product = catalogue.find((each) => each.id === id)
            return product ? [{ product, line: `${product.name} ${score.toFixed(3)}` }] : []
          }),
          3,
        )
      const answer = await invoke<Found>(request)
      return {
        task: 'recommend',
        text: 'clip-lite and a catalogue of 24 drawn things, whose vectors the server made itself: an exact search, in one matrix product.',
        figures: [
          { caption: 'the picture asked about', picture: query, type: 'jpeg' },
          { caption: 'the most like it, best first', picture: sheet(answer), type: 'svg+xml' },
          { caption: 'the same, mugs only', picture: sheet(await invoke<Found>(filtered)), type: 'svg+xml' },
        ],
        request,
        answer,
      }
    })
  })
}

function predict(): Promise<Section> {
  return withServer(join(MODELS, 'tabular'), async (invoke) => {
    const [, ...lines] = (await readFile(join(MODELS, 'tabular', 'held-out.csv'), 'utf8')).trim().split('\n')
    const rows = lines.map((line) => line.split(','))
    const request = { task: 'predict', data: rows.map((row) => row.slice(0, -1).map(Number)) }
    const answer = await invoke<{ predictions: string[]; probabilities: number[][] }>(request)
    const known = rows.map((row, index) => ({
      truth: row.at(-1) ?? '',
      predicted: answer.predictions[index] ?? '',
      probabilities: answer.probabilities[index] ?? [],
    }))
    const classes = ['first cultivar', 'second cultivar', 'third cultivar']
    return {
      task: 'predict',
      text: 'A logistic regression by scikit-learn, exported as skl2onnx does by default, on wines that it was not trained on: the right class stands before each bar, which the model’s probabilities divide.',
      figures: [{ caption: '45 wines in one request', picture: probabilityBars(known, classes), type: 'svg+xml' }],
      request,
      answer,
    }
  })
}

async function inTemporary<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'mooring-gallery-'))
  try {
    return await work(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
