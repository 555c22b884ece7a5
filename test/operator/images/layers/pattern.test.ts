import { matchesGlob } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import { compile, matched, normalise, reaches } from '../../../../operator/images/layers/pattern.ts'

const name = fc.constantFrom('a', 'b', 'ab', 'ba', 'abc')
const path = fc.array(name, { minLength: 1, maxLength: 5 }).map((names) => `/${names.join('/')}`)
const pattern = fc
  .array(
    fc.oneof({ weight: 3, arbitrary: name }, { weight: 2, arbitrary: fc.constantFrom('*', 'a*', '*b', 'a*c', '**') }),
    {
      minLength: 1,
      maxLength: 5,
    },
  )
  .map((names) => `/${names.join('/')}`)

/** All folders above a path, and the path. */
const above = (full: string) => {
  const names = full.split('/').slice(1)
  return names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`)
}

test('a pattern fits what Node’s own globs fit, and the folders above', (t) => {
  fc.assert(
    fc.property(pattern, path, (text, full) => {
      // Node's lets ** at the end stand for nothing, and takes no dot; ours wants a name there.
      const strict = text.endsWith('/**') || text === '/**' ? `${text}/*` : text
      const expected = above(full).find((candidate) => matchesGlob(candidate, strict))
      t.is(matched(compile(text), full), expected, `${text} ${full}`)
    }),
    { numRuns: 5_000 },
  )
})

test('what a pattern fits is reached through every folder above', (t) => {
  fc.assert(
    fc.property(pattern, path, (text, full) => {
      const compiled = compile(text)
      const found = matched(compiled, full)
      if (found) for (const folder of above(found)) t.true(reaches(compiled, folder), `${text} ${folder}`)
    }),
    { numRuns: 5_000 },
  )
})

test('paths are made the same, and what is none is left out', (t) => {
  for (const same of ['app/x', './app/x', '/app/x', '/app//x/', 'app/./x']) t.is(normalise(same), '/app/x')
  t.is(normalise('.'), '/')
  for (const none of ['../x', 'a/../x', 'a\0b', `/${'x'.repeat(5000)}`]) t.is(normalise(none), undefined)
})
