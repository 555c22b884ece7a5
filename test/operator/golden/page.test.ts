import { readFile } from 'node:fs/promises'
import test from 'ava'
import { PAGE, page } from './page.ts'

test('every case has one test, and docs/compared-with-ack.md is what the cases say', async (t) => {
  t.is(await readFile(PAGE, 'utf8'), await page(), 'run: node test/operator/golden/page.ts')
})
