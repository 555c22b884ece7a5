import test from 'ava'
import { references } from '../../../../operator/controllers/model-image/references.ts'
import { humanSize } from '../../../../operator/controllers/model-image/size.ts'

test('sizes are in the units that registries show', (t) => {
  t.deepEqual([0, 999, 1000, 22_100_000_000, 999_960, 5e15].map(humanSize), [
    '0 B',
    '999 B',
    '1.0 kB',
    '22.1 GB',
    '1.0 MB',
    '5000.0 TB',
  ])
})

test('an image knows the endpoints that refer to it now, not those that did', (t) => {
  const known = references()
  known.set('a/one', 'a/sam')
  known.set('a/two', 'a/sam')
  t.deepEqual(known.of('a/sam').sort(), ['a/one', 'a/two'])
  known.set('a/one', 'a/other')
  t.deepEqual(known.of('a/sam'), ['a/two'])
  t.deepEqual(known.of('a/other'), ['a/one'])
  known.set('a/two', undefined)
  t.deepEqual(known.of('a/sam'), [])
  t.deepEqual(known.of('b/sam'), [])
})
