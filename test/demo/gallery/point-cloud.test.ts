import test from 'ava'
import sharp from 'sharp'
import { drawPoints, readPoints } from '../../../demo/gallery/point-cloud.ts'
import { gaussianPly, pointPly } from '../../../inference-server/formats/ply.ts'

/** A square of red points, nearer than the blue ones behind its left half. */
const positions: number[] = []
const colours: number[] = []
for (let row = 0; row < 40; row++) {
  for (let column = 0; column < 40; column++) {
    positions.push(column - 20, row - 20, 100, column / 2 - 20, row - 20, 105)
    colours.push(255, 0, 0, 0, 0, 255)
  }
}
const cloud = { positions: Float32Array.from(positions), colours: Uint8Array.from(colours) }

test('a file without the colours of points is refused, instead of drawn black', (t) => {
  const gaussians = gaussianPly({
    positions: new Float32Array(3),
    colours: new Float32Array(3),
    opacities: new Float32Array(1),
    scales: new Float32Array(3),
    rotations: new Float32Array(4),
  })
  t.throws(() => readPoints(Buffer.from(gaussians)), { message: /no red/ })
})

test('what the server writes as points is read again', (t) => {
  const points = { ...cloud, normals: new Float32Array(cloud.positions.length) }
  t.deepEqual(readPoints(Buffer.from(pointPly(points))), cloud)
})

test('near points hide far ones', async (t) => {
  const { data } = await sharp(await drawPoints(cloud, 0, 60))
    .raw()
    .toBuffer({ resolveWithObject: true })
  let blue = 0
  let red = 0
  for (let at = 0; at < data.length; at += 3) {
    if (data[at] === 255 && data[at + 1] === 0) red++
    if (data[at] === 0 && data[at + 2] === 255) blue++
  }
  t.true(red > 2000, `${red}`)
  t.true(blue < red / 20, `${blue}`)
})
