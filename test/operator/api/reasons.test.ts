import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { asyncInferenceEndpointConditions, modelImageConditions } from '../../../operator/api/conditions.ts'
import { conditionsPage } from '../../../operator/api/conditions-page.ts'
import { REASONS } from '../../../operator/api/reasons.ts'

const OPERATOR = join(import.meta.dirname, '..', '..', '..', 'operator')

async function sources(): Promise<string> {
  const files = await readdir(OPERATOR, { recursive: true })
  const own = files.filter(
    (file) => file.endsWith('.ts') && !file.includes('node_modules') && file !== 'api/reasons.ts',
  )
  return (await Promise.all(own.map((file) => readFile(join(OPERATOR, file), 'utf8')))).join('\n')
}

test('every reason is given by some step: a page about one that no longer exists would mislead', async (t) => {
  const code = await sources()
  // A reason may be an object's key, as in a table of them.
  const unused = Object.keys(REASONS).filter((reason) => !new RegExp(`['"]${reason}['"]|\\b${reason}:`).test(code))
  t.deepEqual(unused, [])
})

test('every page says on which conditions, what it means, and ends its sentences', (t) => {
  const types = [asyncInferenceEndpointConditions, modelImageConditions].flatMap(({ ready, dependents, others }) => [
    ready,
    ...dependents,
    ...others,
  ])
  for (const [reason, { on, means, remedy }] of Object.entries(REASONS)) {
    t.regex(reason, /^[A-Z][A-Za-z]+$/)
    for (const type of on === 'any' ? [] : on.split(', ')) t.true(types.includes(type as never), `${reason}: ${type}`)
    t.regex(means, /^[A-Z`].*\.$/, reason)
    if (remedy) t.regex(remedy, /^[A-Z`].*\.$/, reason)
    t.true(conditionsPage().includes(`\n## ${reason}\n`), reason)
  }
})
