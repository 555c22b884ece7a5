import test from 'ava'
import fc from 'fast-check'
import { imageChecks } from '../../../../operator/api/image-checks.ts'
import { matchAll, PatternProblem } from '../../../../operator/images/checks/patterns.ts'
import { blocked, undecided } from '../../../../operator/images/checks/run.ts'
import { ImageError, RegistryUnavailable } from '../../../../operator/images/errors.ts'
import type { ImageConfig } from '../../../../operator/images/facts.ts'
import { anImage, check } from './images.ts'

const failing = (error: unknown) => async () => {
  throw error
}
const UNREACHABLE = new TypeError('fetch failed', {
  cause: Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:443'), { code: 'ECONNREFUSED' }),
})

test('a registry that does not answer leaves an enforced check undecided: neither passed nor failed', async (t) => {
  const results = await check(
    anImage(),
    { scan: { policy: 'Enforce' } },
    { source: { scanFindings: failing(UNREACHABLE) } },
  )
  const result = results.find(({ name }) => name === 'scan')
  t.like(result, { verdict: 'Skipped', pending: true })
  t.is(result?.message, 'The registry could not be asked (ECONNREFUSED): Mooring asks again by itself.')
  t.deepEqual(undecided(results), [result])
  t.deepEqual(blocked(results), [])
})

test('a registry that wants other credentials says nothing of the image', async (t) => {
  const denied = new ImageError('RegistryDenied', 'The registry does not let Mooring pull.')
  const unavailable = new RegistryUnavailable('The registry cannot be read (no answer).')
  for (const error of [denied, unavailable]) {
    const results = await check(anImage(), { requiredPaths: { paths: ['/m'] } }, { find: failing(error) })
    t.deepEqual(
      undecided(results).map(({ name, message }) => [name, message]),
      [['requiredPaths', error.message]],
    )
    t.deepEqual(blocked(results), [])
  }
})

test('a registry that does not answer does not hold up a check that only warns', async (t) => {
  const results = await check(anImage(), {}, { source: { scanFindings: failing(UNREACHABLE) } })
  t.deepEqual(undecided(results), [])
})

test('a check that cannot be told because nothing was given to hold it against neither blocks nor waits', async (t) => {
  const results = await check(anImage({ env: { CUDA_VERSION: '12.4.1' } }), {})
  t.is(results.find(({ name }) => name === 'cuda')?.verdict, 'Skipped')
  t.deepEqual([...undecided(results), ...blocked(results)], [])
})

test('an image whose layers are not what they should be fails what asks for them', async (t) => {
  const broken = new ImageError('ImageNotFound', 'The layer sha256:… is not in the repository: push the image again.')
  const results = await check(anImage(), { requiredPaths: { paths: ['/m'] } }, { find: failing(broken) })
  t.deepEqual(
    blocked(results).map(({ name, message }) => [name, message]),
    [['requiredPaths', broken.message]],
  )
})

test('a mistake of our own is thrown, and not taken for a registry that does not answer', async (t) => {
  const mistake = new TypeError('undefined is not a function')
  await t.throwsAsync(check(anImage(), {}, { source: { scanFindings: failing(mistake) } }), { is: mistake })
})

test('checks that are aborted end with that', async (t) => {
  const controller = new AbortController()
  const source = {
    scanFindings: async () => {
      controller.abort(new Error('shutting down'))
      throw UNREACHABLE
    },
  }
  await t.throwsAsync(check(anImage(), {}, { source, signal: controller.signal }), { message: 'shutting down' })
})

test('layers are read once for all checks that ask for paths, and not at all where none does', async (t) => {
  const asked: unknown[] = []
  const find = async (_source: unknown, _layers: unknown, wanted: unknown) => {
    asked.push(wanted)
    return { present: new Set<string>(), inert: new Set<string>(), undecided: new Set<string>() }
  }
  await check(anImage(), {}, { find })
  t.deepEqual(asked, [])
  const image = anImage({ entrypoint: [], env: { PATH: '/opt/program:/bin' } })
  await check(image, { requiredPaths: { paths: ['/m', '/n'] }, forbiddenPaths: { paths: ['/root/.aws'] } }, { find })
  t.deepEqual(asked, [{ required: ['/opt/program/serve', '/bin/serve', '/m', '/n'], forbidden: ['/root/.aws'] }])
})

test('a check with policy Ignore asks for nothing and says nothing', async (t) => {
  const off = Object.fromEntries(Object.keys(imageChecks.shape).map((name) => [name, { policy: 'Ignore' }]))
  t.deepEqual(
    await check(
      anImage({ entrypoint: [] }),
      { ...off, requiredPaths: { policy: 'Ignore', paths: ['/m'] } },
      { find: failing(UNREACHABLE) },
    ),
    [],
  )
})

test('an expression that would take for ever is ended, and others go on meanwhile', async (t) => {
  let turns = 0
  const ticking = setInterval(() => turns++, 5)
  const endless = matchAll([{ pattern: '^(a+)+$', text: `${'a'.repeat(60)}!` }], 500)
  await t.throwsAsync(endless, { instanceOf: PatternProblem, message: /takes too long/ })
  clearInterval(ticking)
  t.true(turns > 0, `${turns} turns of the event loop`)
})

test('punctuation may be escaped as RE2 allows it', async (t) => {
  const text = 'sam-3_v2.onnx'
  const patterns = ['^sam\\-3\\_v2\\.onnx$', '^[a-z\\-0-9]+\\_', '\\\\-', '3\\.v2']
  t.deepEqual(await matchAll(patterns.map((pattern) => ({ pattern, text }))), [true, true, false, false])
})

test('expressions are tried on the beginning of a text, however long it is', async (t) => {
  const text = `${'x'.repeat(4096)}end`
  t.deepEqual(
    await matchAll([
      { pattern: 'x', text },
      { pattern: '(e)nd', text },
      { pattern: '^(x|y)+$', text },
    ]),
    [true, false, true],
  )
})

test('whatever an image says of itself, the checks end, with messages that a condition takes', async (t) => {
  const anything = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 400 }),
    fc.constantFrom(
      '/bin/sh',
      '-c',
      'python',
      'uvicorn',
      '-m',
      'tini',
      '--',
      'serve',
      'cuda>=12',
      '8080/tcp',
      'a'.repeat(100_000),
      '\u0000\u001b[2J',
    ),
  )
  const texts = fc.array(anything, { maxLength: 6 })
  const dictionary = fc.dictionary(
    fc.oneof(anything, fc.constantFrom('PATH', 'CUDA_VERSION', 'NVIDIA_REQUIRE_CUDA', '__proto__')),
    anything,
    { maxKeys: 6 },
  )
  const config: fc.Arbitrary<Partial<ImageConfig>> = fc.record({
    os: anything,
    architecture: anything,
    user: anything,
    workingDir: anything,
    createdAt: anything,
    entrypoint: texts,
    cmd: texts,
    exposedPorts: texts,
    diffIds: texts,
    env: dictionary,
    labels: dictionary,
    history: fc.array(fc.record({ createdBy: anything, emptyLayer: fc.boolean() }), { maxLength: 6 }),
  })
  const everything = {
    entrypoint: { matches: ['inference'], doesNotMatch: ['serve'] },
    user: { policy: 'Enforce' as const },
    requiredPaths: { paths: ['/m'] },
    requiredEnv: { variables: [{ name: 'PATH', matches: '^/' }] },
    age: { maxDays: 1 },
    baseImage: { allowed: [{ name: 'base', layers: [`sha256:${'a'.repeat(64)}`] }] },
  }
  await fc.assert(
    fc.asyncProperty(config, anything, async (given, tag) => {
      const results = await check(anImage(given, { tag }), everything, { target: { instanceTypes: ['ml.g5.xlarge'] } })
      for (const { message } of results) {
        t.true(Array.from(message).length <= 300)
        t.notRegex(message, /\p{Cc}/u)
      }
    }),
    { numRuns: 300 },
  )
})

test('a history of megabytes holds nobody up', async (t) => {
  const createdBy = ['a://', 'x'.repeat(100), 'AKIA', 'aws_secret_access_key = ', '-----BEGIN A B C ']
    .map((part) => part.repeat(200_000))
    .join('\n')
  const results = await check(anImage({ history: Array(20).fill({ createdBy, emptyLayer: true }) }), {})
  t.is(results.find(({ name }) => name === 'secrets')?.verdict, 'Pass')
})
