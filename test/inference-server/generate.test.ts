import { readFile } from 'node:fs/promises'
import test from 'ava'
import { generated } from '../../inference-server/generate.ts'

const committed = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8')

for (const [path, content] of generated()) {
  test(`${path} is what the schemas of the tasks say; npm run generate writes it`, async (t) => {
    t.is(await committed(path), content)
  })
}
