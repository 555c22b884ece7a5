import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import test from 'ava'

const ROOT = join(import.meta.dirname, '..')
/** What each part of the operator may import of the operator. The composition at its root may import everything. */
const ALLOWED: Record<string, readonly string[]> = {
  api: ['api'],
  kube: ['kube'],
  images: ['images', 'api'],
  providers: ['providers', 'images', 'api'],
  controllers: ['controllers', 'providers', 'images', 'api', 'kube'],
}
/** The parts of the inference server: each may import itself and those before it. */
const SERVER_PARTS = ['core', 'runtime', 'images', 'formats', 'text', 'storage', 'families', 'tasks', 'http'] as const
/** Parts of the repository that must not know of each other: they meet over HTTP, or not at all. */
const STRANGERS: Record<string, readonly string[]> = {
  operator: ['local', 'test', 'demo', 'bench', 'cli', 'inference-server'],
  local: ['operator', 'test', 'demo', 'bench', 'cli', 'inference-server'],
  'inference-server': ['operator', 'local', 'test', 'demo', 'bench', 'cli'],
}

type Import = { from: string; to: string }

async function imports(folder: string): Promise<Import[]> {
  const files = (await readdir(join(ROOT, folder), { recursive: true })).filter(
    (file) => file.endsWith('.ts') && !file.split(sep).includes('node_modules'),
  )
  const found = await Promise.all(
    files.map(async (file) => {
      const path = join(ROOT, folder, file)
      const text = await readFile(path, 'utf8')
      return [...text.matchAll(/(?:from|import)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g)].map(([, target = '']) => ({
        from: relative(ROOT, path).replaceAll(sep, '/'),
        to: relative(ROOT, join(dirname(path), target)).replaceAll(sep, '/'),
      }))
    }),
  )
  return found.flat()
}

test('inside the operator, imports point one way: api ← images ← providers ← controllers ← the root; kube knows no sibling', async (t) => {
  const found = await imports('operator')
  t.true(found.length > 100, 'the imports were found')
  const wrong = found.filter(({ from, to }) => {
    const [, part = ''] = from.split('/')
    const allowed = ALLOWED[part]
    const [root, target = ''] = to.split('/')
    return allowed !== undefined && (root !== 'operator' || !allowed.includes(target))
  })
  t.deepEqual(wrong, [])
})

test('inside the inference server, imports point one way: core ← runtime ← images ← formats ← families ← tasks ← http ← the root', async (t) => {
  const found = await imports('inference-server')
  t.true(found.length > 100, 'the imports were found')
  const wrong = found.filter(({ from, to }) => {
    const importing = SERVER_PARTS.findIndex((part) => from.startsWith(`inference-server/${part}/`))
    const imported = SERVER_PARTS.findIndex((part) => to.startsWith(`inference-server/${part}/`))
    return importing >= 0 && (imported < 0 || imported > importing)
  })
  t.deepEqual(wrong, [])
})

test('the operator, the local cloud and the inference server do not import each other, nor the tests', async (t) => {
  for (const [folder, strangers] of Object.entries(STRANGERS)) {
    const wrong = (await imports(folder)).filter(({ to }) => strangers.includes(to.split('/')[0] ?? ''))
    t.deepEqual(wrong, [], folder)
  }
})

test('client-node is imported in one file, since loading it loads everything', async (t) => {
  const files = (await readdir(join(ROOT, 'operator'), { recursive: true })).filter(
    (file) => file.endsWith('.ts') && !file.includes('node_modules'),
  )
  const importing = []
  for (const file of files) {
    const text = await readFile(join(ROOT, 'operator', file), 'utf8')
    if (/^import (?!type).*@kubernetes\/client-node/m.test(text)) importing.push(file.replaceAll(sep, '/'))
  }
  t.deepEqual(importing, ['kube/client.ts'])
})

test('process.env is read where configuration is, and nowhere else', async (t) => {
  const files = (await readdir(join(ROOT, 'operator'), { recursive: true })).filter(
    (file) => file.endsWith('.ts') && !file.includes('node_modules'),
  )
  const reading = []
  for (const file of files)
    if ((await readFile(join(ROOT, 'operator', file), 'utf8')).includes('process.env'))
      reading.push(file.replaceAll(sep, '/'))
  t.deepEqual(reading, ['main.ts'])
})
