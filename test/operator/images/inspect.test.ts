import test from 'ava'
import { ImageError } from '../../../operator/images/errors.ts'
import { inspect } from '../../../operator/images/inspect.ts'
import {
  configFor,
  type MemorySource,
  manifestOf,
  memorySource,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_MANIFEST,
} from './memory-source.ts'

const signal = AbortSignal.timeout(60_000)
const AMD64 = { os: 'linux', architecture: 'amd64' }
const ARM64 = { os: 'linux', architecture: 'arm64' }
const DIGEST = `sha256:${'a'.repeat(64)}`

type Refusal = { reason: string; message: RegExp }

async function refused(t: import('ava').ExecutionContext, source: MemorySource, expected: Refusal, tag = '1.0.0') {
  const error = await t.throwsAsync<ImageError>(inspect(source, { tag }, AMD64, signal), { instanceOf: ImageError })
  t.is(error?.reason, expected.reason as ImageError['reason'], error?.message)
  t.regex(error?.message ?? '', expected.message)
  t.true((error?.message.length ?? 0) <= 300, 'a condition has room for it')
}

/** A repository with one image for the architecture, under that tag. */
function withImage(architecture = 'amd64', tag = '1.0.0') {
  const source = memorySource()
  const config = source.putBlob(configFor(architecture, { Entrypoint: [architecture] }))
  const digest = source.putManifest(manifestOf(config, [7, 5]), tag)
  return { source, config, digest }
}

const entry = (digest: string, platform?: object, mediaType = OCI_MANIFEST) => ({
  mediaType,
  digest,
  size: 100,
  ...(platform ? { platform } : {}),
})
const indexOf = (...manifests: object[]) => ({ schemaVersion: 2, mediaType: OCI_INDEX, manifests })

test('everything that manifest and configuration tell is read', async (t) => {
  const source = memorySource()
  const config = source.putBlob({
    os: 'linux',
    architecture: 'amd64',
    created: '2026-01-01T02:00:00+02:00',
    config: {
      User: '1000:1000',
      WorkingDir: '/app',
      Entrypoint: ['python', 'serve.py'],
      Cmd: null,
      Env: ['A=1=2', 'B', 'A=3'],
      Labels: { team: 'vision' },
      ExposedPorts: { '8080/tcp': {} },
    },
    history: [{ created_by: 'COPY . /app' }, { created_by: 'ENV A=3', empty_layer: true }],
    rootfs: { type: 'layers', diff_ids: [DIGEST] },
  })
  const digest = source.putManifest(manifestOf(config, [7, 5]), '1.0.0')
  const facts = await inspect(source, { tag: '1.0.0' }, AMD64, signal)
  t.like(facts, { repositoryUri: 'registry.example/team/sam', tag: '1.0.0', digest, sizeBytes: 12 })
  t.is(facts.layers.length, 2)
  t.is(facts.indexDigest, undefined)
  t.deepEqual(facts.config, {
    os: 'linux',
    architecture: 'amd64',
    createdAt: '2026-01-01T00:00:00.000Z',
    user: '1000:1000',
    workingDir: '/app',
    entrypoint: ['python', 'serve.py'],
    cmd: [],
    env: { A: '3', B: '' },
    labels: { team: 'vision' },
    exposedPorts: ['8080/tcp'],
    history: [
      { createdBy: 'COPY . /app', emptyLayer: false },
      { createdBy: 'ENV A=3', emptyLayer: true },
    ],
    diffIds: [DIGEST],
  })
})

test('of an index, the image for the platform is taken; attestations are none', async (t) => {
  const source = memorySource()
  const images = Object.fromEntries(
    ['amd64', 'arm64'].map((architecture) => [
      architecture,
      source.putManifest(manifestOf(source.putBlob(configFor(architecture)))),
    ]),
  )
  const index = source.putManifest(
    indexOf(
      entry(DIGEST, { os: 'unknown', architecture: 'unknown' }),
      entry(images.arm64 ?? '', { os: 'linux', architecture: 'arm64', variant: 'v8' }),
      entry(images.amd64 ?? '', AMD64),
    ),
    '1.0.0',
    OCI_INDEX,
  )
  for (const platform of [AMD64, ARM64])
    t.like(await inspect(source, { tag: '1.0.0' }, platform, signal), {
      digest: images[platform.architecture],
      indexDigest: index,
      config: { architecture: platform.architecture },
    })
})

test('an index in an index is followed, and no further', async (t) => {
  const { source, digest } = withImage()
  const inner = source.putManifest(indexOf(entry(digest, AMD64)), 'inner', OCI_INDEX)
  const middle = source.putManifest(indexOf(entry(inner, undefined, OCI_INDEX)), 'middle', OCI_INDEX)
  const outer = source.putManifest(indexOf(entry(middle, undefined, OCI_INDEX)), 'outer', OCI_INDEX)
  t.like(await inspect(source, { tag: 'middle' }, AMD64, signal), { digest, indexDigest: middle })
  t.truthy(outer)
  await refused(t, source, { reason: 'WrongPlatform', message: /no variant for linux\/amd64/ }, 'outer')
})

test('an index of many indexes is given up', async (t) => {
  const source = memorySource()
  const empty = Array.from({ length: 20 }, (_, number) =>
    source.putManifest({ ...indexOf(), annotations: { number: String(number) } }, undefined, OCI_INDEX),
  )
  source.putManifest(indexOf(...empty.map((digest) => entry(digest, undefined, OCI_INDEX))), '1.0.0', OCI_INDEX)
  await refused(t, source, { reason: 'ManifestUnreadable', message: /more than 8 manifests/ })
})

test('an index without the platform is refused with the remedy, one image of another platform is not', async (t) => {
  const { source, digest } = withImage('arm64')
  source.putManifest(indexOf(entry(digest, ARM64)), 'index', OCI_INDEX)
  await refused(t, source, { reason: 'WrongPlatform', message: /build it with --platform linux\/amd64/ }, 'index')
  t.is((await inspect(source, { tag: '1.0.0' }, AMD64, signal)).config.architecture, 'arm64')
})

test('a tag that is absent, and an image that its index names but nobody pushed', async (t) => {
  const { source } = withImage()
  await refused(
    t,
    source,
    { reason: 'ImageNotFound', message: /no image registry.example\/team\/sam:2 *: push it/ },
    '2',
  )
  source.putManifest(indexOf(entry(DIGEST, AMD64)), 'index', OCI_INDEX)
  await refused(t, source, { reason: 'ImageNotFound', message: /names sha256:a+ for linux\/amd64.* push/ }, 'index')
})

test('a manifest or a configuration that is not what its digest says is not used', async (t) => {
  const { source, digest, config } = withImage()
  source.exchange(config.digest, configFor('amd64', { Entrypoint: ['sh', '-c', 'steal'] }))
  await refused(t, source, { reason: 'DigestMismatch', message: /other content than sha256:/ })
  source.exchange(digest, manifestOf(source.putBlob(configFor())))
  const error = await t.throwsAsync<ImageError>(inspect(source, { tag: '1.0.0', digest }, AMD64, signal))
  t.is(error?.reason, 'DigestMismatch')
})

const config = { mediaType: OCI_CONFIG, digest: DIGEST, size: 2 }
const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: DIGEST, size: 2 }
const HOSTILE_MANIFESTS: Record<string, [content: unknown, why: RegExp]> = {
  'no JSON': ['<html>', /is not JSON/],
  'no UTF-8': [Buffer.from([0x22, 0xff, 0x22]), /UTF-8/],
  null: ['null', /expected object/],
  'a list': ['[]', /expected object/],
  'schema 1': [{ schemaVersion: 1, fsLayers: [] }, /schema 1/],
  'schema 3': [{ schemaVersion: 3, config, layers: [] }, /schemaVersion/],
  'no configuration': [{ schemaVersion: 2, layers: [] }, /config/],
  'a null layer': [{ schemaVersion: 2, config, layers: [null] }, /layers\.0/],
  'a negative size': [{ schemaVersion: 2, config, layers: [{ ...layer, size: -1 }] }, /layers\.0\.size/],
  'a size in words': [{ schemaVersion: 2, config, layers: [{ ...layer, size: '5' }] }, /layers\.0\.size/],
  'a size beyond numbers': [{ schemaVersion: 2, config, layers: [{ ...layer, size: 1e300 }] }, /layers\.0\.size/],
  'a digest that is a path': [{ schemaVersion: 2, config: { ...config, digest: '../../x' }, layers: [] }, /sha256/],
  'an image and an index in one': [
    { schemaVersion: 2, config, layers: [], manifests: [] },
    /index and an image in one/,
  ],
  'an image that says it is an index': [{ schemaVersion: 2, mediaType: OCI_INDEX, config, layers: [] }, /mediaType/],
  'a null entry': [{ schemaVersion: 2, manifests: [null] }, /manifests\.0/],
  'too many layers': [{ schemaVersion: 2, config, layers: Array(5000).fill(layer) }, /layers/],
  'too many entries': [{ schemaVersion: 2, manifests: Array(2000).fill(entry(DIGEST)) }, /manifests/],
  'deep brackets': [`{"schemaVersion":2,"x":${'['.repeat(1_000_000)}`, /deeper than 32 levels/],
  'many brackets': [`{"schemaVersion":2,"x":[${'[],'.repeat(300_000)}0]}`, /more than 200000 values/],
  'more than 4 MiB': [`{"schemaVersion":2,"x":"${'x'.repeat(4 * 1024 * 1024)}"}`, /larger than/],
}

for (const [what, [content, why]] of Object.entries(HOSTILE_MANIFESTS))
  test(`a hostile manifest ends in a sentence: ${what}`, async (t) => {
    const source = memorySource()
    source.putManifest(content, '1.0.0')
    await refused(t, source, { reason: 'ManifestUnreadable', message: why })
  })

const HOSTILE_CONFIGS: Record<string, [content: unknown, why: RegExp]> = {
  'no JSON': ['{', /is not JSON/],
  null: ['null', /expected object/],
  'a number as entrypoint': [configFor('amd64', { Entrypoint: 5 }), /config\.Entrypoint/],
  'a null variable': [configFor('amd64', { Env: [null] }), /config\.Env/],
  'labels as a list': [configFor('amd64', { Labels: ['a'] }), /config\.Labels/],
  'too many variables': [configFor('amd64', { Env: Array(5000).fill('A=1') }), /config\.Env/],
  'a history of null': [{ ...configFor(), history: [null] }, /history/],
  'more than 4 MiB': [configFor('amd64', { User: 'x'.repeat(4 * 1024 * 1024) }), /larger than/],
}

for (const [what, [content, why]] of Object.entries(HOSTILE_CONFIGS))
  test(`a hostile configuration ends in a sentence: ${what}`, async (t) => {
    const source = memorySource()
    source.putManifest(manifestOf(source.putBlob(content)), '1.0.0')
    await refused(t, source, { reason: 'ConfigUnreadable', message: why })
  })

test('names of members that objects have by themselves stay names', async (t) => {
  const source = memorySource()
  const content = `{"os":"linux","config":{"Env":["__proto__=x","constructor=y"],"Labels":{"__proto__":"z"}}}`
  source.putManifest(manifestOf(source.putBlob(content)), '1.0.0')
  const { env } = (await inspect(source, { tag: '1.0.0' }, AMD64, signal)).config
  t.deepEqual(Object.entries(env), [
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ])
})

test('a chart, a signature or a model is no container image', async (t) => {
  const source = memorySource()
  const chart = { ...source.putBlob({}), mediaType: 'application/vnd.cncf.helm.config.v1+json' }
  source.putManifest(manifestOf(chart), '1.0.0')
  await refused(t, source, { reason: 'ImageInvalid', message: /artifact \(application\/vnd\.cncf\.helm/ })
})
