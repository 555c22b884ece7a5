import test from 'ava'
import { type Facts, noFacts } from '../../../../operator/images/layers/facts.ts'
import { memory } from '../../../../operator/images/layers/memory.ts'

const facts = (length = 0): Facts => ({ ...noFacts(), matches: ['x'.repeat(length)] })

test('what was found is remembered by layer and pattern', (t) => {
  const known = memory()
  const one = facts()
  known.set('sha256:a', '/app', one)
  t.is(known.get('sha256:a', '/app'), one)
  t.is(known.get('sha256:a', '/other'), undefined)
  t.is(known.get('sha256:b', '/app'), undefined)
})

test('beyond the bound, what was not asked for the longest is forgotten', (t) => {
  const known = memory(1_000)
  for (const name of ['a', 'b', 'c', 'd']) known.set(name, '/', facts())
  known.get('a', '/')
  known.set('e', '/', facts())
  t.deepEqual(
    ['a', 'b', 'c', 'd', 'e'].filter((name) => known.get(name, '/')),
    ['a', 'c', 'd', 'e'],
  )
  known.set('large', '/', facts(700))
  t.deepEqual(
    ['a', 'c', 'd', 'e', 'large'].filter((name) => known.get(name, '/')),
    ['large'],
  )
  known.set('too large', '/', facts(2_000))
  t.truthy(known.get('large', '/'), 'what would fit nowhere displaces nothing')
})
