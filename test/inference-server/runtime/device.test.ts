import { join } from 'node:path'
import test from 'ava'
import { Lifetime } from '../../../inference-server/core/lifetime.ts'
import { phases } from '../../../inference-server/core/phases.ts'
import { type DeviceOptions, device } from '../../../inference-server/runtime/device.ts'
import { float32, floatsOf } from '../../../inference-server/runtime/tensors.ts'
import { FIXTURE_MODELS } from '../fixtures/world.ts'

const now = () => performance.now()

/** A device with one of the fixture models, and how many requests shared each of its runs. */
async function aDevice(
  t: { teardown(end: () => Promise<void>): void },
  file: string,
  options: Partial<DeviceOptions> = {},
) {
  const batches: number[] = []
  const dev = device({
    provider: 'cpu',
    workers: 1,
    threads: 1,
    maxBatch: 8,
    batchDelayMs: 0,
    onBatch: (requests) => batches.push(requests),
    now,
    ...options,
  })
  t.teardown(() => dev.close())
  const [model] = await dev.start([{ file, path: join(FIXTURE_MODELS, file) }])
  if (!model) throw new Error('no model')
  const run = (x: number[], runOptions: { outputs?: string[]; batch?: boolean; shared?: boolean } = {}) =>
    dev.run(
      model,
      { x: float32([x.length / 2, 2], x) },
      { batch: true, ...runOptions },
      {
        lifetime: new Lifetime(600_000),
        phases: phases(now),
      },
    )
  return { dev, model, run, batches }
}

test('requests for different outputs of one model do not get each other’s', async (t) => {
  const { run } = await aDevice(t, 'two-outputs.onnx', { batchDelayMs: 50 })
  for (let round = 0; round < 8; round++) {
    const answers = await Promise.all([
      run([1, 2], { outputs: ['twice'] }),
      run([3, 4], { outputs: ['square'] }),
      run([5, 6]),
    ])
    t.deepEqual(
      answers.map((answer) => Object.fromEntries(Object.entries(answer).map(([name, { data }]) => [name, [...data]]))),
      [{ twice: [2, 4] }, { square: [9, 16] }, { twice: [10, 12], square: [25, 36] }],
    )
  }
})

test('requests of several rows share runs and get their own rows back', async (t) => {
  const { run, batches } = await aDevice(t, 'two-outputs.onnx')
  for (let round = 0; round < 10; round++) {
    const answers = await Promise.all(
      [
        [1, 1],
        [2, 2, 3, 3],
        [4, 4],
        [5, 5],
      ].map((x) => run(x)),
    )
    t.deepEqual(
      answers.map((answer) => [...floatsOf(answer, 'twice').data]),
      [
        [2, 2],
        [4, 4, 6, 6],
        [8, 8],
        [10, 10],
      ],
    )
  }
  t.true(Math.max(...batches) > 1, 'some runs were shared')
})

test('a model whose first dimension is no batch is answered rightly, and its runs are not shared a second time', async (t) => {
  const { run, batches } = await aDevice(t, 'no-batch.onnx')
  for (let round = 0; round < 10; round++) {
    const answers = await Promise.all(
      [
        [1, 9],
        [2, 8],
        [3, 7],
      ].map((x) => run(x)),
    )
    t.deepEqual(
      answers.map((answer) => [...floatsOf(answer, 'largest').data]),
      [
        [1, 9],
        [2, 8],
        [3, 7],
      ],
    )
  }
  t.is(batches.filter((requests) => requests > 1).length, 1)
})

test('shared outputs lie in shared memory and can be fed again as often as one likes', async (t) => {
  const { dev, model, run } = await aDevice(t, 'two-outputs.onnx')
  const { twice } = await run([1, 2], { batch: false, shared: true })
  t.true(twice?.type === 'float32' && twice.data.buffer instanceof SharedArrayBuffer)
  for (let round = 0; round < 2; round++) {
    if (!twice) continue
    const again = await dev.run(model, { x: twice }, {}, { lifetime: new Lifetime(600_000), phases: phases(now) })
    t.deepEqual([...floatsOf(again, 'twice').data], [4, 8])
  }
})

test('a model that cannot be opened is named', async (t) => {
  const dev = device({ provider: 'cpu', workers: 1, threads: 1, maxBatch: 1, batchDelayMs: 0, now })
  t.teardown(() => dev.close())
  await t.throwsAsync(dev.start([{ file: 'gone.onnx', path: '/nowhere/gone.onnx' }]), {
    message: /gone\.onnx cannot be loaded/,
  })
})
