import test from 'ava'
import { logTail } from '../../../operator/images/log-tail.ts'

test('the end of a log is kept: fifty lines, each cut, eight kilobytes in all', (t) => {
  const lines = logTail(Array.from({ length: 500 }, (_, index) => `line ${index}`).join('\n'))
  t.is(lines.length, 50)
  t.is(lines.at(-1), 'line 499')
  const long = logTail(Array.from({ length: 100 }, (_, index) => `${index} ${'ü'.repeat(5000)}`).join('\n'))
  t.true(long.every((line) => line.length <= 301))
  t.true(long.join('').length <= 8192 + 301)
  t.regex(long.at(-1) ?? '', /^99 ü+…$/)
  t.deepEqual(logTail(''), [])
})

test('colours, progress bars and control characters do not reach status', (t) => {
  t.deepEqual(logTail('\u001b[31mred\u001b[0m\r\n10%\r50%\r100%\n\u0000a\tb\n\n'), ['red', '100%', ' a b'])
})

test('credentials of the usual forms are taken out', (t) => {
  const secrets = [
    'AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMIK7MDENGbPxRfiCYabcdefghijkl',
    'key AKIAABCDEFGHIJKLMNOP',
    'Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.abc',
    '{"password": "hunter2hunter2"}',
    'postgres://user:hunter2hunter2@db/x',
    `token=${'hf_'}${'a'.repeat(40)}`,
  ]
  for (const line of secrets) {
    const [tail = ''] = logTail(line)
    t.regex(tail, /\[redacted\]/, line)
    t.notRegex(tail, /wJalr|AKIAABC|eyJhb|hunter2|aaaa/, line)
  }
  t.deepEqual(logTail('loaded 3 tokens in 2 s'), ['loaded 3 tokens in 2 s'])
})
