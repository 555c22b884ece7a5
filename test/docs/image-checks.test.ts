import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { parse } from 'yaml'
import { imageChecks } from '../../operator/api/image-checks.ts'
import { CHECKS } from '../../operator/images/checks/all.ts'

const PAGE = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'image-checks.md'), 'utf8')
const SECTIONS = new Map(
  PAGE.split(/^## /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')), section]),
)

test('every check has a section, in the order of the schema, and there are no others', (t) => {
  t.deepEqual([...SECTIONS.keys()], Object.keys(imageChecks.shape))
  t.deepEqual(Object.keys(CHECKS), Object.keys(imageChecks.shape))
})

for (const [name, defaults] of Object.entries(imageChecks.parse({})))
  test(`the section on ${name} says what it finds and prevents, and names each field with its default`, (t) => {
    const section = SECTIONS.get(name) ?? ''
    for (const word of ['Finds: ', 'Prevents', 'Set: ']) t.true(section.includes(word), word)
    const set = section.slice(section.indexOf('Set: '))
    for (const field of Object.keys(imageChecks.shape[name as keyof typeof imageChecks.shape].unwrap().shape))
      t.true(set.includes(`\`${field}\``), field)
    for (const [field, preset] of Object.entries(defaults)) {
      const values = [preset].flat().filter((value) => typeof value !== 'object')
      if (values.length > 0) t.true(set.includes(`\`${field}\` (${values.join(', ')})`), `${field}: ${values}`)
    }
  })

test('the examples are what the schema takes', (t) => {
  const examples = [...PAGE.matchAll(/```yaml\n(.*?)```/gs)].map(([, text = '']) => parse(text))
  t.is(examples.length, 3)
  for (const { checks } of examples) t.notThrows(() => imageChecks.strict().parse(checks))
})
