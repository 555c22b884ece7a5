import sharp from 'sharp'

/** A picture with the mask of its object and a prompt for it. */
export type Scene = {
  name: string
  jpeg: Uint8Array
  /** 8-bit greyscale, over 127 inside, of the picture's size. */
  mask: { pixels: Uint8Array; width: number; height: number }
  prompt: { points?: [number, number][]; labels?: (0 | 1)[]; box?: [number, number, number, number] }
}

type Drawing = {
  name: string
  width: number
  height: number
  background: string
  object: string
  colour: string
  others?: string
} & Pick<Scene, 'prompt'>

const GRADIENT =
  '<defs><linearGradient id="g"><stop offset="0" stop-color="#a8c8e8"/><stop offset="1" stop-color="#5878a0"/></linearGradient></defs>'

/** `object` is the SVG element of which the mask is made; `others` are things that look like it but are not it. */
const DRAWINGS: readonly Drawing[] = [
  {
    name: 'ellipse on a gradient, one point',
    width: 640,
    height: 480,
    background: 'url(#g)',
    object: '<ellipse cx="330" cy="230" rx="150" ry="95"/>',
    colour: '#c04030',
    prompt: { points: [[330, 230]] },
  },
  {
    name: 'star, one point, portrait format',
    width: 480,
    height: 720,
    background: '#3a4a30',
    object: '<path d="M240 120 L290 290 L460 300 L320 400 L370 570 L240 460 L110 570 L160 400 L20 300 L190 290 Z"/>',
    colour: '#e8c040',
    prompt: { points: [[240, 350]] },
  },
  {
    name: 'ring with a hole, one point',
    width: 600,
    height: 600,
    background: '#d8d0c0',
    object: '<path fill-rule="evenodd" d="M300 90 a210 210 0 1 0 0.1 0 Z M300 190 a110 110 0 1 0 0.1 0 Z"/>',
    colour: '#306080',
    prompt: { points: [[300, 140]] },
  },
  {
    name: 'one of two equal discs, one point',
    width: 800,
    height: 400,
    background: 'url(#g)',
    object: '<circle cx="220" cy="200" r="120"/>',
    colour: '#8a3a8a',
    others: '<circle cx="580" cy="200" r="120"/>',
    prompt: { points: [[220, 200]] },
  },
  {
    name: 'rotated rectangle, a box',
    width: 640,
    height: 480,
    background: '#607060',
    object: '<rect x="220" y="150" width="200" height="180" transform="rotate(25 320 240)"/>',
    colour: '#e09060',
    others: '<rect x="20" y="20" width="90" height="90"/>',
    prompt: { box: [191, 116, 449, 364] },
  },
  {
    name: 'half of a two-coloured disc, points inside and outside',
    width: 500,
    height: 500,
    background: '#202830',
    object: '<path d="M250 70 a180 180 0 0 0 0 360 Z"/>',
    colour: '#d05040',
    others: '<path d="M250 70 a180 180 0 0 1 0 360 Z" fill="#d08040"/>',
    prompt: {
      points: [
        [160, 250],
        [340, 250],
      ],
      labels: [1, 0],
    },
  },
  {
    name: 'two parts of one object, two points',
    width: 640,
    height: 360,
    background: '#e8e8e0',
    object: '<g><circle cx="180" cy="180" r="90"/><rect x="380" y="90" width="160" height="180"/></g>',
    colour: '#2a7a5a',
    prompt: {
      points: [
        [180, 180],
        [460, 180],
      ],
    },
  },
]

/** Draws the shapes with sensor-like noise from a fixed seed and compresses them, as a camera would. */
export function generatedScenes(): Promise<Scene[]> {
  return Promise.all(DRAWINGS.map((drawing, seed) => draw(drawing, seed + 1)))
}

async function draw(drawing: Drawing, seed: number): Promise<Scene> {
  const { name, width, height, background, object, colour, others = '', prompt } = drawing
  const svg = (content: string) =>
    Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${content}</svg>`)
  const picture = svg(
    `${GRADIENT}<rect width="100%" height="100%" fill="${background}"/><g fill="${colour}">${others}</g><g fill="${colour}">${object}</g>`,
  )
  const pixels = await sharp(picture).removeAlpha().raw().toBuffer()
  const random = generator(seed)
  for (let at = 0; at < pixels.length; at++) {
    pixels[at] = Math.min(255, Math.max(0, Math.round((pixels[at] ?? 0) + (random() + random() - 1) * 16)))
  }
  const jpeg = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 85 })
    .toBuffer()
  const outline = svg(`<rect width="100%" height="100%" fill="#000"/><g fill="#fff">${object}</g>`)
  const mask = await sharp(outline).greyscale().raw().toBuffer()
  return { name, jpeg, mask: { pixels: mask, width, height }, prompt }
}

/** Park and Miller's generator: uniform in [0, 1). */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return (state - 1) / 2_147_483_646
  }
}
