import test from 'ava'
import { toNormalisedPlanes } from '../../../inference-server/images/chw.ts'

test('planes do not depend on what their memory held before: around a picture there are zeros', (t) => {
  for (const [width, height] of [
    [4, 2],
    [2, 4],
    [4, 4],
  ] as const) {
    const image = { width, height, data: Uint8Array.from({ length: width * height * 3 }, (_, at) => at * 5) }
    const fresh = toNormalisedPlanes(image, 4, 'imagenet', new Float32Array(48))
    const used = toNormalisedPlanes(image, 4, 'imagenet', new Float32Array(48).fill(7))
    t.deepEqual(used, fresh, `${width} x ${height}`)
    t.is(fresh.filter((value) => value === 0).length, 48 - width * height * 3)
  }
})
