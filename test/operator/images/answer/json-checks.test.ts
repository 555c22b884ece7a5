import test from 'ava'
import { checkJson, type JsonCheck } from '../../../../operator/images/answer/json-checks.ts'

const ANSWER = JSON.stringify({ label: 'cat', scores: [0.9, 0.1], empty: null, nested: { ok: true } })
/** Where the checks stand. */
const AT = 'spec.contractTest.invocations[0].expect'
const wrong = (check: JsonCheck, answer = ANSWER) => checkJson(answer, [check], { at: AT })

test('an answer that is not JSON is said to be none, with its beginning and no more', async (t) => {
  const [problem] = await wrong({ path: '$' }, `<html>${'x'.repeat(500)}</html>`)
  t.regex(problem ?? '', /^The answer is not JSON; it begins with “<html>x+…”\.$/)
  t.true((problem?.length ?? 0) < 130)
})

test('a path that leads nowhere, another value and a value that does not match are each said with what was found', async (t) => {
  t.deepEqual(await wrong({ path: '$.nothing' }), ['The answer has nothing at $.nothing.'])
  t.deepEqual(await wrong({ path: '$.label', equals: 'dog' }), ['$.label is “cat”, not “dog”.'])
  t.deepEqual(await wrong({ path: '$.label', matches: '^d' }), ['$.label is “cat”, which does not match “^d”.'])
  t.deepEqual(await wrong({ path: '$.scores[*]', equals: '0.9' }), ['$.scores[*] is “0.1”, not “0.9”.'])
})

test('strings are compared as they are, everything else as JSON writes it', async (t) => {
  const right: JsonCheck[] = [
    { path: '$.label', equals: 'cat', matches: 'a' },
    { path: '$.scores[0]', equals: '0.9' },
    { path: '$.empty', equals: 'null' },
    { path: '$.nested', equals: '{"ok":true}' },
    { path: '$..ok', equals: 'true' },
    { path: '$', matches: '^\\{' },
  ]
  t.deepEqual(await checkJson(ANSWER, right, { at: AT }), [])
})

test('paths run no code, and an expression that JavaScript cannot read is said to be none', async (t) => {
  t.regex((await wrong({ path: '$[?(@.constructor)]' }))[0] ?? '', /no JSONPath that can be used/)
  t.regex((await wrong({ path: '$.label', matches: '(?i)cat' }))[0] ?? '', /no regular expression of JavaScript/)
})

test('an expression that backtracks for ever is ended, and holds nobody up meanwhile', async (t) => {
  let turns = 0
  const ticking = setInterval(() => turns++, 10)
  const [problem] = await checkJson(JSON.stringify(`${'a'.repeat(60)}!`), [{ path: '$', matches: '^(a+)+$' }], {
    at: AT,
    timeLimitMs: 1000,
  })
  clearInterval(ticking)
  t.regex(problem ?? '', /Simplify spec\.contractTest\.invocations\[0\]\.expect\.jsonPath: .*take more than 1 s/)
  t.true(turns > 10)
})

test('a path that multiplies what it finds is ended too', async (t) => {
  const deep = '['.repeat(3000) + ']'.repeat(3000)
  const problems = await checkJson(deep, [{ path: '$..*..*..*..*..*' }], { at: AT, timeLimitMs: 2000 })
  t.is(problems.length, 1)
})
