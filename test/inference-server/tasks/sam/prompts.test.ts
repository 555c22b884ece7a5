import test from 'ava'
import { bestOf, meant } from '../../../../inference-server/tasks/sam/decoder.ts'
import { padded, pointsInFrame } from '../../../../inference-server/tasks/sam/frame.ts'
import { inGroups } from '../../../../inference-server/tasks/sam/groups.ts'

const PADDED = { side: 1024, fit: 'pad' } as const
const STRETCHED = { side: 1024, fit: 'stretch' } as const

test('where a picture keeps its proportions, points are scaled as its longest side is', (t) => {
  const points = pointsInFrame({ points: [[300, 200]], labels: [1], multimask: true }, PADDED, {
    width: 600,
    height: 400,
  })
  // ResizeLongestSide makes 1024 x 683 of 600 x 400.
  t.deepEqual(points, { coords: [512, 200 * (683 / 400)], labels: [1] })
  t.deepEqual(padded(points), { coords: [...points.coords, 0, 0], labels: [1, -1] })
})

test('where it is stretched, each axis is scaled on its own', (t) => {
  const points = pointsInFrame({ points: [[300, 200]], labels: [0], multimask: true }, STRETCHED, {
    width: 600,
    height: 400,
  })
  t.deepEqual(points, { coords: [512, 512], labels: [0] })
})

test('a box is two points labelled 2 and 3', (t) => {
  const prompt = { points: [[1, 1]] as const, labels: [0] as const, box: [10, 20, 30, 40] as const, multimask: false }
  t.deepEqual(pointsInFrame(prompt, PADDED, { width: 1024, height: 1024 }), {
    coords: [1, 1, 10, 20, 30, 40],
    labels: [0, 2, 3],
  })
})

test('of four masks, the first serves clear prompts and the best predicted of the others ambiguous ones', (t) => {
  const scores = [0.99, 0.2, 0.7, 0.5]
  t.is(bestOf(scores, meant(4, false)), 0)
  t.is(bestOf(scores, meant(4, true)), 2)
})

test('of three masks, or one, the best predicted serves every prompt', (t) => {
  t.is(bestOf([0.2, 0.7, 0.5], meant(3, false)), 1)
  t.is(bestOf([0.2, 0.7, 0.5], meant(3, true)), 1)
  t.is(bestOf([0.9], meant(1, true)), 0)
})

test('items of one key go together up to the limit, and results come in the items’ order', async (t) => {
  const groups: number[][] = []
  const results = await inGroups(
    [1, 12, 3, 14, 5, 7],
    (item) => (item < 10 ? 1 : 2),
    3,
    async (group) => {
      groups.push([...group])
      return group.map((item) => item * 10)
    },
  )
  t.deepEqual(groups, [[1, 3, 5], [12, 14], [7]])
  t.deepEqual(results, [10, 120, 30, 140, 50, 70])
})

test('a group that fails fails the whole', async (t) => {
  await t.throwsAsync(
    inGroups(
      [1, 2],
      () => 1,
      1,
      async ([item]) => {
        if (item === 2) throw new Error('out of memory')
        return [0]
      },
    ),
    { message: 'out of memory' },
  )
})
