import test from 'ava'
import fc from 'fast-check'
import { bounded, maskAtSize, type Plane, resizeBilinear } from '../../../inference-server/images/mask.ts'
import type { Frame } from '../../../inference-server/tasks/sam/frame.ts'
import { maskOf } from '../../../inference-server/tasks/segment/work.ts'

const FRAME: Frame = { side: 96, fit: 'pad' }

type Disc = { x: number; y: number; radius: number }

const disc = fc.record({
  x: fc.integer({ min: -3, max: 30 }),
  y: fc.integer({ min: -3, max: 30 }),
  radius: fc.double({ min: 0.2, max: 14, noNaN: true }),
})
const size = fc.record({ width: fc.integer({ min: 1, max: 120 }), height: fc.integer({ min: 1, max: 120 }) })

/** Logits that are over 0 inside the discs. */
function logits(discs: readonly Disc[]): Plane {
  const data = Float32Array.from({ length: 24 * 24 }, (_, at) =>
    Math.max(-5, ...discs.map(({ x, y, radius }) => radius - Math.hypot((at % 24) - x, Math.floor(at / 24) - y))),
  )
  return { width: 24, height: 24, data }
}

test('a mask is the same whether what is outside of it is looked at or not', (t) => {
  fc.assert(
    fc.property(fc.array(disc, { maxLength: 3 }), size, size, (discs, between, original) => {
      const plane = logits(discs)
      const square = { width: 96, height: 96 }
      const part = { width: Math.min(96, between.width), height: Math.min(96, between.height) }
      t.deepEqual(maskAtSize(bounded(plane), original), maskAtSize(plane, original))
      t.deepEqual(
        maskAtSize(resizeBilinear(bounded(plane), square, part), original),
        maskAtSize(resizeBilinear(plane, square, part), original),
      )
    }),
  )
})

test('a mask owes nothing to the one before it, whose memory it uses', (t) => {
  const original = { width: 100, height: 70 }
  const small = logits([{ x: 5, y: 5, radius: 2 }])
  const first = maskOf(small, FRAME, original)
  maskOf(logits([{ x: 12, y: 12, radius: 14 }]), FRAME, { width: 90, height: 96 })
  t.deepEqual(maskOf(small, FRAME, original), first)
  t.true(first.area > 0)
})
