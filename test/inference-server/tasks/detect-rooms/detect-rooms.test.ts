import test from 'ava'
import sharp from 'sharp'
import { PlanAnswer } from '../../../../inference-server/tasks/detect-rooms/fields.ts'
import { scorePlan } from '../../fixtures/plan-score.ts'
import { PLAN_STYLES } from '../../fixtures/plan-styles.ts'
import { drawPlan, type PlanStyle } from '../../fixtures/plans.ts'
import { FIXTURE_MODELS, realApp, SAM_LITE } from '../../fixtures/world.ts'

// The tests of a file run at once.
const app = realApp(`${FIXTURE_MODELS}/rooms`, { requests: 100, decodingPixels: 100_000_000 })
test.before(() => app.load())
test.after.always(() => app.close())

const plain: PlanStyle = { ...PLAN_STYLES['door gaps'], seed: 1 } as PlanStyle

async function ask(image: Uint8Array, fields: Record<string, unknown> = {}) {
  const response = await app.http.inject({
    method: 'POST',
    url: '/invocations',
    payload: { image: Buffer.from(image).toString('base64'), ...fields },
  })
  return { status: response.statusCode, body: response.json() }
}

/** Rooms of these answers, checked against the published schema. */
async function roomsIn(image: Uint8Array, fields: Record<string, unknown> = {}) {
  const { status, body } = await ask(image, fields)
  if (status !== 200) throw new Error(JSON.stringify(body))
  const { task: _task, overlay: _overlay, ...answer } = body
  return PlanAnswer.parse(answer)
}

/** A picture of this content, in a black box of 40..360 x 40..260 with a wall of 8. */
const picture = (content: string, width = 400, height = 300) =>
  sharp(
    Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="#fff"/><g fill="none" stroke="#000" stroke-width="8"><rect x="40" y="40" width="320" height="220"/>${content}</g></svg>`,
    ),
  )
    .png()
    .toBuffer()

test('numbers outside their bounds and unknown fields are refused, each by its name', async (t) => {
  const image = await picture('')
  for (const [field, value] of Object.entries({
    min_area: -1,
    max_area: 0,
    epsilon_factor: 0.5,
    gap_closing: -3,
    lines: 'red',
    max_rooms: 5000,
    overlay: 'perhaps',
    colour: 1,
  })) {
    const { status, body } = await ask(image, { [field]: value })
    t.is(status, 422, field)
    t.true(JSON.stringify(body.error).includes(field), field)
  }
})

test('a blank page, one pixel and a photograph of nothing have no rooms', async (t) => {
  const create = { width: 300, height: 200, channels: 3, background: '#fff' } as const
  t.deepEqual((await roomsIn(await sharp({ create }).png().toBuffer())).rooms, [])
  t.deepEqual(
    (
      await roomsIn(
        await sharp({ create: { ...create, width: 1, height: 1 } })
          .png()
          .toBuffer(),
      )
    ).rooms,
    [],
  )
  t.deepEqual(
    (
      await roomsIn(
        await sharp({ create: { ...create, background: '#000' } })
          .jpeg()
          .toBuffer(),
      )
    ).rooms,
    [],
  )
})

test('a plan in base64 is answered with its rooms, in its own pixels', async (t) => {
  const plan = await drawPlan(plain)
  const answer = await roomsIn(plan.picture)
  t.deepEqual(answer.image_size, [plan.width, plan.height])
  t.is(answer.rooms.length, plan.rooms)
  const { ious } = scorePlan(plan, answer.rooms)
  t.true(Math.min(...ious) > 0.95, String(ious))
})

test('a room’s area, box, polygon and holes say the same', async (t) => {
  const { rooms } = await roomsIn(
    await picture('<rect x="180" y="130" width="40" height="40" fill="#000" stroke="none"/>'),
  )
  t.is(rooms.length, 1)
  const [room] = rooms
  if (!room) return
  // Inside the walls: 312 x 212, less the pillar of 40 x 40.
  t.true(Math.abs(room.area - (312 * 212 - 1600)) < 700, String(room.area))
  t.true(
    room.bounding_box.every((value, at) => Math.abs(value - ([44, 44, 356, 256][at] ?? 0)) <= 1.5),
    String(room.bounding_box),
  )
  t.is(room.holes.length, 1)
  t.is(room.confidence, 1)
  const area = [room.polygon, ...room.holes].reduce((sum, ring) => sum + shoelace(ring), 0)
  // Corners are rounded to hundredths of a pixel.
  t.true(Math.abs(area - room.area) < 10)
})

test('a doorway up to gap_closing is closed, a wider one is not', async (t) => {
  const image = await picture('<path d="M200 40V130M200 170V260"/>')
  const closed = await roomsIn(image, { gap_closing: 60 })
  t.is(closed.rooms.length, 2)
  t.true(closed.rooms.every(({ confidence }) => confidence > 0.9 && confidence < 1))
  t.is((await roomsIn(image, { gap_closing: 20 })).rooms.length, 1)
  t.is((await roomsIn(image, { gap_closing: 0 })).rooms.length, 1)
})

test('rooms below min_area and above max_area are left out, and the smallest beyond max_rooms counted', async (t) => {
  const image = await picture('<path d="M120 40V260M160 40V260"/>')
  const areas = (await roomsIn(image)).rooms.map(({ area }) => area)
  t.is(areas.length, 3)
  t.is((await roomsIn(image, { min_area: 10_000 })).rooms.length, 2)
  t.is((await roomsIn(image, { max_area: 20_000 })).rooms.length, 2)
  const few = await roomsIn(image, { max_rooms: 1 })
  t.is(few.rooms[0]?.area, Math.max(...areas))
  t.is(few.rooms_left_out, 2)
})

test('a large epsilon_factor leaves fewer corners', async (t) => {
  const image = await picture('<circle cx="200" cy="150" r="90"/>')
  const corners = async (epsilon_factor: number) =>
    (await roomsIn(image, { epsilon_factor })).rooms.reduce((sum, { polygon }) => sum + polygon.length, 0)
  const [fine, coarse] = [await corners(0.0005), await corners(0.02)]
  t.true(coarse < fine / 2, `${fine} → ${coarse}`)
})

test('a room that is much longer than wide is called a corridor, straight or around a core', async (t) => {
  const straight = await roomsIn(await picture('<path d="M40 100H360"/>'))
  t.deepEqual(
    straight.rooms.map(({ label }) => label),
    ['corridor', 'room'],
  )
  const ring = await roomsIn(await picture('<rect x="80" y="80" width="240" height="140"/>'))
  t.deepEqual(
    ring.rooms.map(({ label, holes }) => [label, holes.length]),
    [
      ['corridor', 1],
      ['room', 0],
    ],
  )
})

test('beds, tables, swings of doors and letters in thin lines are no rooms, and no part of walls', async (t) => {
  const image = await picture(
    '<path d="M200 40V110M200 150V260"/><g stroke-width="2"><path d="M200 110h40a40 40 0 0 1-40 40"/><rect x="60" y="60" width="60" height="90"/><path d="M60 85h60"/><rect x="260" y="180" width="70" height="50" rx="5"/><path d="M70 200l8-20 8 20M73 193h10M95 180v20h8a5 5 0 0 0 0-10 5 5 0 0 0 0-10z"/></g>',
  )
  const { rooms } = await roomsIn(image)
  t.deepEqual(
    rooms.map(({ label, bounding_box, holes }) => [label, ...bounding_box.map(Math.round), holes.length]),
    [
      ['room', 44, 44, 196, 256, 0],
      ['room', 204, 44, 356, 256, 0],
    ],
  )
})

test('white lines on blue are read like black ones on white', async (t) => {
  const plan = await drawPlan({ ...plain, paper: 'blueprint' })
  t.is((await roomsIn(plan.picture)).rooms.length, plan.rooms)
  t.is((await roomsIn(plan.picture, { lines: 'light' })).rooms.length, plan.rooms)
})

test('a photograph taken sideways is answered upright', async (t) => {
  const upright = await picture('<path d="M120 40V260"/>')
  const sideways = await sharp(upright).rotate(270).withMetadata({ orientation: 6 }).jpeg({ quality: 95 }).toBuffer()
  const answer = await roomsIn(sideways)
  t.deepEqual(answer.image_size, [400, 300])
  t.deepEqual(
    answer.rooms.map(({ bounding_box: [left] }) => Math.round(left / 10)),
    [4, 12],
  )
})

test('the overlay comes in the JSON when it is asked for, and alone to who accepts a PNG', async (t) => {
  const image = await picture('<path d="M200 40V260"/>')
  t.false('overlay' in (await ask(image)).body)
  const { body } = await ask(image, { overlay: true })
  const inJson = await sharp(Buffer.from(body.overlay, 'base64')).metadata()
  const response = await app.http.inject({
    method: 'POST',
    url: '/invocations',
    headers: { 'content-type': 'image/png', accept: 'image/png' },
    payload: image,
  })
  t.is(response.headers['content-type'], 'image/png')
  const { data, info } = await sharp(response.rawPayload).raw().toBuffer({ resolveWithObject: true })
  t.deepEqual([info.width, info.height], [inJson.width, inJson.height])
  // A quarter into the left room and into the right one: paper that is tinted, each in its own colour; outside it is white.
  const at = (x: number, y: number) => {
    const from = (Math.round((y * info.height) / 300) * info.width + Math.round((x * info.width) / 400)) * info.channels
    return [...data.subarray(from, from + 3)]
  }
  t.notDeepEqual(at(80, 80), at(320, 80))
  t.notDeepEqual(at(80, 80), [255, 255, 255])
  t.deepEqual(at(15, 15), [255, 255, 255])
})

test('a server that has models serves it only where config.json names it', async (t) => {
  const other = realApp(SAM_LITE)
  t.teardown(() => other.close())
  await other.load()
  const response = await other.http.inject({
    method: 'POST',
    url: '/invocations',
    payload: { task: 'detect_rooms', image: (await picture('')).toString('base64') },
  })
  t.is(response.statusCode, 400)
  t.is(response.json().error.code, 'UnknownTask')
})

function shoelace(ring: readonly (readonly [number, number])[]): number {
  return ring.reduce((sum, [x, y], at) => {
    const [nextX, nextY] = ring[(at + 1) % ring.length] ?? [x, y]
    return sum + (x * nextY - nextX * y) / 2
  }, 0)
}
