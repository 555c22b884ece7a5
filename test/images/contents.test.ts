import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import test from 'ava'
import {
  BASE_IMAGE,
  build,
  buildah,
  configOf,
  EPOCH,
  INFERENCE_SERVER_IMAGE,
  OPERATOR_IMAGE,
  REPOSITORY,
  withFiles,
} from './build.ts'
import { run } from './process.ts'

/** What each image may hold beyond its base: room for growth of a fifth, not for a second copy of anything. docs/images.md states the sizes. */
const IMAGES = [
  {
    target: 'operator',
    tag: `${OPERATOR_IMAGE}-labelled`,
    name: 'mooring-operator',
    folder: 'operator',
    entrypoint: ['node', 'operator/main.ts'],
    maxMegabytes: 220,
    /** Of another image, or of development. */
    absent: ['onnxruntime-node', 'sharp', 'fauxqs', 'typescript', 'ava', '@biomejs/biome', 'node'],
  },
  {
    target: 'inference-server',
    tag: `${INFERENCE_SERVER_IMAGE}-labelled`,
    name: 'mooring-inference-server',
    folder: 'inference-server',
    entrypoint: ['node', 'inference-server/main.ts'],
    maxMegabytes: 240,
    absent: ['@kubernetes/client-node', '@aws-sdk/client-sagemaker', 'fauxqs', 'typescript', 'ava', 'node'],
  },
] as const

const LABELS = { VERSION: '0.0.0-test', REVISION: 'f'.repeat(40), CREATED: new Date(EPOCH * 1000).toISOString() }

test.before('both targets are built', async () => {
  for (const { target, tag } of IMAGES) await build(target, tag, LABELS)
})

test.after.always('their tags go; the layers stay for the next run', async () => {
  for (const { target, tag } of IMAGES) {
    await build(target, tag.replace('-labelled', ''))
    await buildah('rmi', tag)
  }
})

type Entry = { kind: string; size: number; mode: string }

/** Every path of an image, and what it is; of folders only that they are there, since adding a file dates them anew. */
async function files(image: string): Promise<Map<string, Entry>> {
  return withFiles(image, async (folder) => {
    const listing = await run('find', [folder, '-xdev', '-mindepth', '1', '-printf', '%P\\t%y\\t%s\\t%m\\0'])
    return new Map(
      listing
        .split('\0')
        .filter((line) => line !== '')
        .map((line) => {
          const [path = '', kind = '', size = '', mode = ''] = line.split('\t')
          return [path, { kind, size: kind === 'd' ? 0 : Number(size), mode }]
        }),
    )
  })
}

type Package = { name?: string; version?: string; private?: boolean }

/** `name@version` of every package in a node_modules folder, and in those within. */
async function packages(modules: string): Promise<string[]> {
  const found: string[] = []
  for (const entry of await readdir(modules, { withFileTypes: true })) {
    const path = join(modules, entry.name)
    // Links lead to workspaces, which are no packages of others.
    if (!entry.isDirectory() || entry.name === '.bin') continue
    if (entry.name.startsWith('@')) {
      found.push(...(await packages(path)))
      continue
    }
    const text = await readFile(join(path, 'package.json'), 'utf8')
    const { name, version } = JSON.parse(text) as Package
    found.push(`${name}@${version}`)
    found.push(...(await packages(join(path, 'node_modules')).catch(absent)))
  }
  return [...new Set(found)].sort()
}

function absent(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return []
  throw error
}

for (const image of IMAGES) {
  test.serial(
    `${image.name}: what it adds to its base is node and its own folder, and nothing of the base is changed`,
    async (t) => {
      const [before, after] = [await files(BASE_IMAGE), await files(image.tag)]
      t.true(before.size > 1_000 && after.size > before.size, 'the files were listed')
      const differing = [...after].filter(([path, entry]) => JSON.stringify(before.get(path)) !== JSON.stringify(entry))
      const unexpected = differing
        .map(([path]) => path)
        .filter((path) => path !== 'usr/local/bin/node' && !/^app(\/|$)/.test(path))
      t.deepEqual(unexpected, [], 'package caches, lists, histories and logs stay out')
      t.deepEqual(
        [...before.keys()].filter((path) => !after.has(path)),
        [],
      )
      const own = [...after.keys()].flatMap((path) => /^app\/([^/]+)$/.exec(path)?.[1] ?? []).sort()
      t.deepEqual(own, ['LICENSE', image.folder, 'node_modules', 'package.json', 'sbom.cdx.json'].sort())
      const added = differing.reduce((sum, [, { size }]) => sum + size, 0) / 1e6
      t.log(`${added.toFixed(0)} MB beyond the base`)
      t.true(added < image.maxMegabytes, `${added.toFixed(0)} MB`)
    },
  )

  test.serial(`${image.name}: nobody but root can change its files, and everybody can read them`, async (t) => {
    const own = [...(await files(image.tag))].filter(([path]) => /^app(\/|$)/.test(path))
    const open = own.filter(([, { kind, mode }]) => kind !== 'l' && (Number.parseInt(mode, 8) & 0o022) !== 0)
    const closed = own.filter(([, { kind, mode }]) => kind !== 'l' && (Number.parseInt(mode, 8) & 0o004) === 0)
    t.deepEqual([...open, ...closed], [])
    const outsiders = await withFiles(image.tag, (folder) => run('find', [join(folder, 'app'), '-not', '-uid', '0']))
    t.is(outsiders, '')
  })

  test.serial(`${image.name}: no secrets, scripts' caches or sources of tests come along`, async (t) => {
    const paths = [...(await files(image.tag)).keys()].filter((path) => path.startsWith('app/'))
    t.deepEqual(
      paths.filter((path) =>
        /(^|\/)(\.npmrc|\.npm|\.cache|\.git|\.env|\.bash_history|\.node_repl_history)(\/|$)/.test(path),
      ),
      [],
    )
    t.deepEqual(
      paths.filter((path) => !path.includes('node_modules') && /\.test\.ts$|\.py$|\.onnx$/.test(path)),
      [],
    )
    for (const name of image.absent)
      t.false(
        paths.some((path) => path.startsWith(`app/node_modules/${name}/`)),
        name,
      )
  })

  test.serial(`${image.name}: its SBOM lists exactly the packages that are there, and node`, async (t) => {
    const { sbom, installed } = await withFiles(image.tag, async (folder) => ({
      sbom: JSON.parse(await readFile(join(folder, 'app', 'sbom.cdx.json'), 'utf8')),
      installed: await packages(join(folder, 'app', 'node_modules')),
    }))
    t.is(sbom.bomFormat, 'CycloneDX')
    t.is(sbom.metadata.component.name, image.name)
    t.is(sbom.metadata.timestamp, new Date(EPOCH * 1000).toISOString())
    t.regex(sbom.serialNumber, /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/)
    type Listed = { name: string; version: string; purl: string; 'bom-ref': string }
    const components: Listed[] = sbom.components
    t.true(installed.length > 40, `${installed.length} packages`)
    const own = `@mooring/${image.folder}`
    const listed = components.filter(
      ({ purl, 'bom-ref': ref }) => purl.startsWith('pkg:npm/') && !ref.startsWith(`${own}@`),
    )
    t.deepEqual(listed.map((component) => component['bom-ref']).sort(), installed)
    const others = components.filter(({ purl }) => !purl.startsWith('pkg:npm/'))
    t.deepEqual(
      others.map(({ purl }) => purl),
      [`pkg:generic/node@${process.versions.node}`],
    )
    const refs = new Set([image.name, ...components.map((component) => component['bom-ref'])])
    const edges: { ref: string; dependsOn: string[] }[] = sbom.dependencies
    t.deepEqual(
      edges.flatMap(({ ref, dependsOn }) => [ref, ...dependsOn]).filter((ref) => !refs.has(ref)),
      [],
    )
  })

  test.serial(`${image.name}: it says how it is run, checked and labelled`, async (t) => {
    const config = await configOf(image.tag)
    t.is(config.User, '65532:65532', 'a number, so that Kubernetes sees that it is not root')
    t.deepEqual(config.Entrypoint, [...image.entrypoint], 'in exec form, so that node gets SIGTERM')
    t.deepEqual(Object.keys(config.ExposedPorts), ['8080/tcp'])
    t.is(config.Healthcheck?.Test[0], 'CMD')
    t.true(config.Env.includes('NODE_ENV=production'))
    t.like(config.Labels, {
      'org.opencontainers.image.title': image.name,
      'org.opencontainers.image.licenses': 'Apache-2.0',
      'org.opencontainers.image.version': LABELS.VERSION,
      'org.opencontainers.image.revision': LABELS.REVISION,
      'org.opencontainers.image.created': LABELS.CREATED,
    })
  })

  test.serial(`${image.name}: its SBOM can be had as a file, without the image`, async (t) => {
    await build(`${image.target}-sbom`, `${image.tag}-sbom`)
    const path = `${image.name}.cdx.json`
    const beside = await withFiles(`${image.tag}-sbom`, (folder) => readFile(join(folder, path), 'utf8'))
    const inside = await withFiles(image.tag, (folder) => readFile(join(folder, 'app', 'sbom.cdx.json'), 'utf8'))
    t.is(beside, inside)
    await buildah('rmi', `${image.tag}-sbom`)
  })
}

test('the operator’s heap is bounded by a variable, which the chart’s operator.env can set', async (t) => {
  const { Env } = await configOf(`${OPERATOR_IMAGE}-labelled`)
  t.true(Env.includes('NODE_OPTIONS=--max-semi-space-size=4 --max-old-space-size=256'))
})

test('SageMaker may choose the port of the inference server, and gives it the argument `serve`', async (t) => {
  const config = await configOf(`${INFERENCE_SERVER_IMAGE}-labelled`)
  t.is(config.Labels['com.amazonaws.sagemaker.capabilities.accept-bind-to-port'], 'true')
  t.deepEqual(config.Cmd, ['serve'])
})

test('an accelerator that nobody knows fails the build with the ones that are known', async (t) => {
  const error = await t.throwsAsync(run('sh', [join(REPOSITORY, 'docker', 'cuda.sh'), 'rocm'], { timeoutMs: 10_000 }))
  t.regex(error?.message ?? '', /ACCELERATOR=rocm: write cpu, cuda12 or cuda13/)
})

test('the CUDA provider that is fetched is of the version of onnxruntime-node that is installed', async (t) => {
  const lockfile = JSON.parse(await readFile(join(REPOSITORY, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, Package>
  }
  const { version } = lockfile.packages['node_modules/onnxruntime-node'] ?? {}
  const requirements = await readFile(join(REPOSITORY, 'docker', 'cuda13.txt'), 'utf8')
  t.truthy(version)
  t.true(
    requirements.includes(`onnxruntime-gpu==${version} --hash=sha256:`),
    `${relative(REPOSITORY, 'docker/cuda13.txt')}: ${version}`,
  )
})
