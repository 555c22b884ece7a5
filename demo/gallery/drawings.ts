import sharp from 'sharp'

/** A flat with five rooms, doors and windows: walls 10 units thick. */
const PLAN = `<svg xmlns="http://www.w3.org/2000/svg" width="760" height="560" font-family="sans-serif" font-size="20">
<rect width="760" height="560" fill="#fff"/>
<g stroke="#111" stroke-width="10" fill="none" stroke-linecap="square">
<path d="M40 40 H720 V520 H40 Z"/>
<path d="M300 40 V130 M300 195 V280"/><path d="M40 280 H150 M215 280 H480 M545 280 H720"/>
<path d="M520 40 V90 M520 155 V280"/><path d="M400 280 V370 M400 435 V520"/>
</g>
<g stroke="#111" stroke-width="2" fill="none">
<path d="M300 130 h62 M362 130 a65 65 0 0 1 -62 65"/><path d="M150 280 v62 M150 342 a65 65 0 0 0 65 -62"/>
<path d="M520 90 h-62 M458 90 a65 65 0 0 0 62 65"/><path d="M400 370 h62 M462 370 a65 65 0 0 1 -62 65"/>
<rect x="70" y="70" width="110" height="150"/><path d="M70 110 h110"/><rect x="560" y="380" width="120" height="80" rx="8"/>
<rect x="120" y="430" width="180" height="60" rx="10"/>
</g>
<g fill="#444"><text x="120" y="255">Bedroom</text><text x="365" y="240">Kitchen</text><text x="590" y="240">Bath</text>
<text x="180" y="400">Living room</text><text x="540" y="350">Study</text></g>
</svg>`

export const planPicture = (): Promise<Buffer> => sharp(Buffer.from(PLAN)).png().toBuffer()

export type Product = { id: string; name: string; shape: string; colour: string; picture: Buffer }

const COLOURS = {
  red: '#c23b32',
  orange: '#e08a2e',
  green: '#3d8f55',
  blue: '#2f68ad',
  violet: '#7a4a9c',
  grey: '#80868c',
}
const SHAPES = {
  shirt: 'M70 60 L110 45 Q128 62 146 45 L186 60 L206 104 L178 116 L172 96 V206 H84 V96 L78 116 L50 104 Z',
  mug: 'M70 70 H170 V200 H70 Z M170 96 h22 a22 34 0 0 1 0 72 h-22 v-18 h16 a12 20 0 0 0 0 -36 h-16 Z',
  shoe: 'M46 130 h46 q22 26 62 32 q48 8 52 34 H46 Z',
  lamp: 'M96 56 H160 L188 130 H68 Z M122 130 h12 v56 h30 v16 H92 v-16 h30 Z',
}

/** Things in a shop: every shape in every colour. */
export async function products(): Promise<Product[]> {
  const made: Product[] = []
  for (const [shape, path] of Object.entries(SHAPES)) {
    for (const [colour, value] of Object.entries(COLOURS)) {
      const picture = await productPicture(path, value, '#f1efe9', 0)
      made.push({ id: `${colour}-${shape}`, name: `${colour} ${shape}`, shape, colour, picture })
    }
  }
  return made
}

/** A picture that is none of the catalogue's: a shirt of another red, turned, on another ground. */
export const queryPicture = (): Promise<Buffer> => productPicture(SHAPES.shirt, '#b54a48', '#e6e9e4', 7)

function productPicture(path: string, colour: string, ground: string, degrees: number): Promise<Buffer> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256"><rect width="256" height="256" fill="${ground}"/>
<path d="${path}" fill="${colour}" fill-rule="evenodd" stroke="#0003" stroke-width="3" transform="rotate(${degrees} 128 128)"/></svg>`
  return sharp(Buffer.from(svg)).jpeg({ quality: 90 }).toBuffer()
}
