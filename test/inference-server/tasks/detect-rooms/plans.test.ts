import test from 'ava'
import sharp from 'sharp'
import { workingSize } from '../../../../inference-server/tasks/detect-rooms/detect.ts'
import { type Request, roomsOf } from '../../../../inference-server/tasks/detect-rooms/work.ts'
import { scorePlan } from '../../fixtures/plan-score.ts'
import { PLAN_STYLES } from '../../fixtures/plan-styles.ts'
import { drawPlan, type Plan } from '../../fixtures/plans.ts'

const REQUEST: Request = {
  minArea: undefined,
  maxArea: undefined,
  epsilonFactor: 0.002,
  gapClosing: undefined,
  minWallThickness: undefined,
  lines: 'auto',
  maxRooms: 200,
}

/** Buildings beside those on which the thresholds were chosen. */
const SEEDS = [201, 202, 203]

async function detect(plan: Plan, request: Partial<Request> = {}) {
  const size = workingSize(plan)
  const { data } = await sharp(plan.picture)
    .toColourspace('srgb')
    .resize({ ...size, fit: 'fill', kernel: 'linear' })
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  return roomsOf({ ...size, data: new Uint8Array(data) }, plan, { ...REQUEST, ...request }).detected
}

for (const [name, style] of Object.entries(PLAN_STYLES)) {
  test(`in plans with ${name}, nearly every room is found as it is`, async (t) => {
    const ious: number[] = []
    let wrong = 0
    for (const seed of SEEDS) {
      const plan = await drawPlan({ ...style, seed })
      const score = scorePlan(plan, (await detect(plan)).rooms)
      ious.push(...score.ious)
      wrong += score.false
    }
    const mean = ious.reduce((sum, iou) => sum + iou, 0) / ious.length
    const good = ious.filter((iou) => iou >= 0.9).length / ious.length
    t.true(mean >= 0.95, `mean IoU ${mean}`)
    t.true(good >= 0.95, `${good} of the rooms have an IoU of 0.9`)
    t.true(wrong <= ious.length * 0.05, `${wrong} rooms that are none`)
  })
}
