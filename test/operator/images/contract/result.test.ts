import test from 'ava'
import { earlyEnd, terminatePhase } from '../../../../operator/images/contract/container-end.ts'
import {
  decodeResult,
  encodeResult,
  MAX_TERMINATION_MESSAGE,
  resultOf,
} from '../../../../operator/images/contract/result.ts'

test('a result with long messages in any script fits into a termination message, and comes back whole', (t) => {
  for (const letter of ['a', 'ü', '語', '🐈', '"', '\u0001']) {
    const phases = Array.from({ length: 10 }, (_, index) => ({
      name: `${'n'.repeat(60)}-${index}`,
      verdict: 'Fail' as const,
      message: letter.repeat(2000),
      milliseconds: 123_456,
    }))
    const json = encodeResult(resultOf(phases))
    t.true(Buffer.byteLength(json) <= MAX_TERMINATION_MESSAGE, `${letter}: ${Buffer.byteLength(json)}`)
    const result = decodeResult(json)
    t.is(result?.verdict, 'Failed')
    t.is(result?.phases.length, 10)
    t.true(result?.phases.every(({ message = '' }) => message.isWellFormed() && message.length > 3))
  }
})

test('what is no result, or was cut, is none', (t) => {
  for (const text of [
    undefined,
    '',
    'Killed',
    '{"verdict":"Passed","mess',
    '{}',
    '[]',
    'null',
    '{"verdict":"Fine","message":"","phases":[]}',
  ])
    t.is(decodeResult(text), undefined, text)
})

test('what a container writes in place of a result is bounded before it goes into status', (t) => {
  const phases = [
    { name: 'x'.repeat(500), verdict: 'Pass', message: 'y'.repeat(9000), milliseconds: -3 },
    { name: 3 },
    { name: 'z', verdict: 'Odd' },
  ]
  const result = decodeResult(JSON.stringify({ verdict: 'Passed', message: 'm'.repeat(5000), phases }))
  t.is(result?.message.length, 300)
  t.deepEqual(
    result?.phases.map(({ name, message, milliseconds }) => [name.length, message?.length, milliseconds]),
    [[80, 300, 0]],
  )
})

test('a container that had to be killed fails; one that ends by itself passes, whatever its code', (t) => {
  t.like(terminatePhase({ exitCode: 137 }, 30_000, 30), { verdict: 'Fail' })
  t.regex(terminatePhase({ exitCode: 137 }, 30_000, 30).message ?? '', /30 s after SIGTERM and was killed.*exec form/)
  for (const exitCode of [0, 1, 143]) t.is(terminatePhase({ exitCode }, 400, 30).verdict, 'Pass')
  t.like(terminatePhase({ exitCode: 137 }, 2_000, 30), { verdict: 'Pass' })
  t.regex(terminatePhase({ exitCode: 137, reason: 'OOMKilled' }, 2_000, 30).message ?? '', /memory/)
})

test('a container that ends unasked is told why, as far as its code and the runtime tell', (t) => {
  const says = (exitCode: number, reason?: string) =>
    earlyEnd({ exitCode, reason }, 'exec: "serve.py": executable file not found').message ?? ''
  t.regex(says(3), /exited by itself with code 3: the end of its log says why/)
  t.regex(says(137, 'OOMKilled'), /raise resources\.limits\.memory/)
  t.regex(says(126), /cannot be executed/)
  t.regex(says(127), /does not exist/)
  t.regex(says(128, 'StartError'), /must name a program that runs on this platform.*executable file not found$/)
})
