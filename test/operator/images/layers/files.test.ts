import { gzipSync } from 'node:zlib'
import test, { type ExecutionContext } from 'ava'
import { fileIndex } from '../../../../operator/images/layers/files.ts'
import type { Descriptor } from '../../../../operator/images/source.ts'
import { blobOf, type Files, type Layer, layerOf, layerOfTar, tarOf } from '../../../oci-images.ts'
import { memorySource } from '../memory-source.ts'

const signal = AbortSignal.timeout(120_000)

/** A repository with these layers, from the base upwards, that counts what is read. */
function holding(layers: Layer[]) {
  const source = memorySource()
  const read: string[] = []
  for (const { bytes } of layers) source.putBlob(bytes)
  const descriptors: Descriptor[] = layers.map(({ mediaType, digest, bytes }) => ({
    mediaType,
    digest,
    size: bytes.byteLength,
  }))
  const counting = {
    ...source,
    blob: (digest: string, until: AbortSignal) => {
      read.push(digest)
      return source.blob(digest, until)
    },
  }
  return { source: counting, layers: descriptors, read, memory: source }
}

async function image(...layers: (Files | Layer)[]) {
  const made = layers.map(async (layer) => ('diffId' in layer ? (layer as Layer) : layerOf(layer as Files)))
  return holding(await Promise.all(made))
}

/** Which of these paths are there. */
async function has({ source, layers }: Awaited<ReturnType<typeof image>>, paths: string[], index = fileIndex()) {
  const { present, undecided } = await index.find(source, layers, { required: paths, forbidden: [] }, signal)
  return undecided.size > 0 ? `undecided: ${[...undecided]}` : paths.filter((path) => present.has(path))
}

test('files, folders, links and what only stands in a longer path are there', async (t) => {
  const sam = await image({
    'usr/': '',
    './app/serve.py': 'x',
    '/opt/ml/model/sam3/weights.bin': 'x',
    'app/link': { symlink: '/nowhere' },
    'app/hard': { hardlink: 'app/serve.py' },
  })
  const there = ['/usr', '/app', '/app/serve.py', '/opt/ml', '/opt/ml/model/sam3/weights.bin', '/app/link', '/app/hard']
  t.deepEqual(await has(sam, [...there, '/app/serve', '/opt/ml/model/sam', '/ap', '/nowhere']), there)
})

test('paths are taken as they are meant', async (t) => {
  const sam = await image({ './/app/./serve.py': 'x', 'bad/../../escape': 'x' })
  t.deepEqual(await has(sam, ['/app/serve.py', 'app/serve.py', '/app/', '//app']), [
    '/app/serve.py',
    'app/serve.py',
    '/app/',
    '//app',
  ])
  t.deepEqual(await has(sam, ['/escape', '/bad']), [])
})

test('stars stand for parts of names, two of them for folders', async (t) => {
  const sam = await image({ 'opt/ml/model/sam3/a/weights.bin': 'x', 'opt/ml/code/serve.py': 'x' })
  const there = [
    '/opt/ml/model/sam3/*',
    '/opt/ml/model/*/a/*.bin',
    '/opt/**',
    '/**/weights.bin',
    '/opt/**/weights.bin',
    '/opt/ml/**/code/serve.py',
    '/**/*.py',
  ]
  const absent = [
    '/opt/ml/model/sam3/*.bin',
    '/opt/*.py',
    '/opt/ml/code/serve.py/**',
    '/opt/ml/code/serve.py/*',
    '/*.bin',
  ]
  t.deepEqual(await has(sam, [...there, ...absent]), there)
})

test('every compression is read, and none, whatever the media type says', async (t) => {
  const layers = [
    await layerOf({ gzip: 'x' }, 'gzip'),
    await layerOf({ zstd: 'x' }, 'zstd'),
    await layerOf({ none: 'x' }, 'none'),
    {
      ...(await layerOf({ mislabelled: 'x' }, 'zstd')),
      mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
    },
  ]
  const wanted = ['/gzip', '/zstd', '/none', '/mislabelled']
  t.deepEqual(await has(holding(layers), wanted), wanted)
  const twice = layerOfTar(await tarOf({ twice: 'x' }), 'none')
  const halves = [(await twice).bytes.subarray(0, 600), (await twice).bytes.subarray(600)]
  const members = Buffer.concat(halves.map((half) => gzipSync(half)))
  t.deepEqual(await has(holding([{ ...blobOf(members), diffId: '' }]), ['/twice']), ['/twice'])
})

test('what an upper layer deletes is gone, and what it brings again is there', async (t) => {
  const base = { 'app/a': 'x', 'app/b': 'x', 'models/one': 'x', 'models/two': 'x', 'etc/passwd': 'x' }
  const deleted = await image(base, { 'app/.wh.a': '', '.wh.models': '' })
  t.deepEqual(await has(deleted, ['/app/a', '/app/b', '/models', '/models/one', '/models/*', '/app/*']), [
    '/app/b',
    '/app/*',
  ])
  const emptied = await image(base, { 'models/.wh..wh..opq': '', 'models/three': 'x' })
  t.deepEqual(await has(emptied, ['/models/one', '/models/three', '/models', '/etc/passwd']), [
    '/models/three',
    '/models',
    '/etc/passwd',
  ])
  const again = await image(base, { 'app/.wh.a': '' }, { 'app/a': 'y' })
  t.deepEqual(await has(again, ['/app/a']), ['/app/a'])
  const replaced = await image(base, { models: 'a file now' })
  t.deepEqual(await has(replaced, ['/models/one', '/models']), ['/models'])
  const everything = await image(base, { '.wh..wh..opq': '' })
  t.deepEqual(await has(everything, ['/app/a', '/**/passwd']), [])
})

test('a path through a linked folder is looked for where the link leads to', async (t) => {
  const merged = await image(
    { bin: { symlink: 'usr/bin' }, 'usr/bin/sh': 'x', 'data/v2/weights.bin': 'x' },
    { 'opt/ml/model': { symlink: '../../data/current' }, 'data/current': { symlink: '/data/v2' } },
    { 'usr/bin/python': 'x' },
  )
  const there = ['/bin/sh', '/bin/python', '/opt/ml/model/weights.bin', '/opt/ml/model/*.bin']
  t.deepEqual(await has(merged, [...there, '/bin/perl', '/opt/ml/model/sam3']), there)
  t.is(new Set(merged.read).size, 3)
})

test('links that lead in circles, or out of the root, lead nowhere', async (t) => {
  const circles = await image({
    a: { symlink: 'b' },
    b: { symlink: 'a' },
    c: { symlink: '../../../../etc' },
    'etc/x': 'x',
  })
  t.deepEqual(await has(circles, ['/a/x', '/c/x']), ['/c/x'])
})

test('a folder above takes the place of a link below', async (t) => {
  const replaced = await image({ model: { symlink: 'data' }, 'data/x': 'x' }, { 'model/': '', 'model/y': 'x' })
  t.deepEqual(await has(replaced, ['/model/x', '/model/y']), ['/model/y'])
})

test('no more layers are read than it takes, and none twice', async (t) => {
  const sam = await image({ base: 'x' }, { middle: 'x' }, { top: 'x' })
  const index = fileIndex()
  await has(sam, ['/top'], index)
  t.is(sam.read.length, 1)
  await has(sam, ['/top', '/middle'], index)
  await has(sam, ['/absent', '/base'], index)
  sam.read.length = 0
  await has(sam, ['/base', '/absent'], index)
  await has(sam, ['/top'], index)
  t.deepEqual(sam.read, [], 'what was found is remembered')
})

test('a file that is found ends the reading of its layer', async (t) => {
  const files: Files = { first: 'x' }
  for (let number = 0; number < 200; number++)
    files[`f${number}`] = Buffer.from(Array.from({ length: 5_000 }, (_, at) => at * number))
  const layer = await layerOf(files, 'none')
  const large = holding([layer])
  let sent = 0
  const source = {
    ...large.source,
    blob: async () =>
      new ReadableStream<Uint8Array>({
        pull(controller) {
          controller.enqueue(layer.bytes.subarray(sent, sent + 16_384))
          sent += 16_384
        },
      }),
  }
  const { present } = await fileIndex().find(source, large.layers, { required: ['/first'], forbidden: [] }, signal)
  t.true(present.has('/first'))
  t.true(sent < (large.layers[0]?.size ?? 0) / 2, `${sent} bytes`)
})

test('a forbidden path is looked for down to the base', async (t) => {
  const sam = await image({ 'root/.aws/credentials': 'x' }, { app: 'x' })
  const wanted = { required: ['/app'], forbidden: ['/root/.aws/*', '/**/id_rsa'] }
  const { present, undecided, unread } = await fileIndex().find(sam.source, sam.layers, wanted, signal)
  t.deepEqual([...present], ['/app', '/root/.aws/*'])
  t.is(undecided.size, 0)
  t.is(unread, undefined)
})

async function unread(t: ExecutionContext, layer: Layer, why: RegExp, limits = {}, change: Partial<Descriptor> = {}) {
  const base = await layerOf({ base: 'x', deep: 'x' })
  const { source, layers } = holding([base, layer])
  const [first, second] = layers as [Descriptor, Descriptor]
  const found = await fileIndex(limits).find(
    source,
    [first, { ...second, ...change }],
    { required: ['/base', '/absent'], forbidden: [] },
    signal,
  )
  t.deepEqual([...found.present], ['/base'], 'the layers below are looked at')
  t.deepEqual([...found.undecided], ['/absent'])
  t.regex(found.unread ?? '', /^layer 2 of 2 /)
  t.regex(found.unread ?? '', why)
}

test('a layer that unpacks to far more than it is is given up', async (t) => {
  const zeros = await tarOf({ zeros: Buffer.alloc(64 * 1024 * 1024) })
  for (const compression of ['gzip', 'zstd'] as const) {
    const bomb = await layerOfTar(zeros, compression)
    t.true(bomb.bytes.byteLength < 100_000)
    await unread(t, bomb, /unpacks to more than is looked at/, { layerUnpackedBytes: 1024 * 1024 })
  }
})

test('a layer is given up for its size, its files, its format, or because it lies elsewhere', async (t) => {
  const files = Object.fromEntries(Array.from({ length: 100 }, (_, number) => [`f${number}`, 'x']))
  const layer = await layerOf(files)
  await unread(t, layer, /has more than 0 MiB/, { layerBytes: 300 })
  await unread(t, await layerOf({ noise: noise(100_000) }), /is beyond what is read of one image/, { imageBytes: 1000 })
  await unread(t, layer, /has more files than are looked at/, { layerEntries: 50 })
  await unread(
    t,
    layer,
    /is not kept in the registry/,
    {},
    { mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' },
  )
  const of = (bytes: Uint8Array): Layer => ({ ...blobOf(bytes), diffId: '' })
  await unread(t, of(Buffer.from('not a tar archive'.repeat(100))), /is not a tar archive/)
  await unread(t, of(Buffer.from('BZh91AY&SY')), /breaks off/)
  await unread(t, of(Buffer.alloc(0)), /is empty/)
  await unread(t, of(Buffer.from(layer.bytes).subarray(0, 100)), /cannot be unpacked/)
  await unread(t, of(Buffer.concat([layer.bytes, noise(200_000)])), /behind its end|cannot be unpacked/)
})

test('a layer that is too slow is given up, and known the next time as far as it was read', async (t) => {
  const { source, layers } = holding([await layerOf({ base: 'x' })])
  const stuck = { ...source, blob: async () => new ReadableStream<Uint8Array>({}) }
  const found = await fileIndex({ milliseconds: 100 }).find(
    stuck,
    layers,
    { required: ['/base'], forbidden: [] },
    signal,
  )
  t.deepEqual([...found.undecided], ['/base'])
  t.is(found.unread, 'layer 1 of 1 could not be read in time')
})

test('other content than the layer’s digest says is an error', async (t) => {
  const { source, layers, memory } = holding([await layerOf({ base: 'x' })])
  const wanted = { required: ['/absent'], forbidden: [] }
  memory.exchange(layers[0]?.digest ?? '', (await layerOf({ evil: 'x' })).bytes)
  await t.throwsAsync(fileIndex().find(source, layers, wanted, signal), { message: /other content than the layer/ })
  memory.exchange(layers[0]?.digest ?? '', noise(100_000))
  await t.throwsAsync(fileIndex().find(source, layers, wanted, signal), { name: 'ImageError' })
})

test('an error of the network is thrown, to be tried again', async (t) => {
  const { source, layers } = holding([await layerOf({ base: 'x' })])
  const broken = {
    ...source,
    blob: async () => new ReadableStream({ pull: (controller) => controller.error(new Error('reset')) }),
  }
  await t.throwsAsync(fileIndex().find(broken, layers, { required: ['/x'], forbidden: [] }, signal), {
    message: 'reset',
  })
})

test('who no longer waits is told so at once', async (t) => {
  const { source, layers } = holding([await layerOf({ base: 'x' })])
  const stop = new AbortController()
  const stuck = { ...source, blob: async () => new ReadableStream<Uint8Array>({}) }
  const finding = fileIndex().find(stuck, layers, { required: ['/base'], forbidden: [] }, stop.signal)
  stop.abort(new Error('stopped'))
  await t.throwsAsync(finding, { message: 'stopped' })
})

test('stars without an end take no time without an end', async (t) => {
  const deep = 'a/'.repeat(1_000)
  const sam = await image({ [`${deep}b`]: 'x' })
  const stars = [`/${'**/'.repeat(60)}c`, `/${'*a'.repeat(500)}*c`, `/${'a*/'.repeat(63)}c`]
  t.deepEqual(await has(sam, stars), [])
})

/** Bytes that do not compress. */
function noise(length: number): Uint8Array {
  let state = 1
  return Uint8Array.from({ length }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return state >> 16
  })
}
