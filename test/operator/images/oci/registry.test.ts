import ava, { type ExecutionContext } from 'ava'
import { readBlob } from '../../../../operator/images/blob.ts'
import type { ImageError } from '../../../../operator/images/errors.ts'
import { inspect } from '../../../../operator/images/inspect.ts'
import { fileIndex } from '../../../../operator/images/layers/files.ts'
import { registryFetch } from '../../../../operator/images/oci/fetch.ts'
import { credentialsFor } from '../../../../operator/images/oci/pull-secret.ts'
import { ociSource } from '../../../../operator/images/oci/source.ts'
import { blobOf, descriptorOf, imageOf, indexOf, layerOf, push, pushManifest } from '../../../oci-images.ts'
import { startRegistry, type TestRegistry, type TestRegistryOptions, USER } from '../../../registry.ts'
import { obtainable, resolveTool } from '../../../tools.ts'

/** A laptop without Go shows these tests as skipped; continuous integration must have it. */
const able = process.env.CI !== undefined || (await obtainable('registry'))
const test = able ? ava : ava.skip
ava.before('find a registry, or build one once', async (t) => {
  t.timeout(20 * 60_000)
  if (able) await resolveTool('registry')
})
const fetch = registryFetch()
const signal = AbortSignal.timeout(120_000)
const AMD64 = { os: 'linux', architecture: 'amd64' }

async function registry(t: ExecutionContext, options: TestRegistryOptions = {}): Promise<TestRegistry> {
  const started = await startRegistry(options)
  t.teardown(started.stop)
  return started
}

function sourceOf({ host }: TestRegistry, repository: string, password?: string, plainHttp = [host]) {
  const repositoryUri = `${host}/${repository}`
  const credentials = password === undefined ? undefined : credentialsFor(repositoryUri, [pullSecret(host, password)])
  return ociSource({ reference: { host, repository, repositoryUri }, credentials, fetch, now: Date.now, plainHttp })
}

function pullSecret(host: string, password: string): string {
  const auth = Buffer.from(`${USER.name}:${password}`).toString('base64')
  return JSON.stringify({ auths: { [host]: { auth } } })
}

/** An image of two layers, pushed. */
async function pushed(target: TestRegistry, repository: string, ...tags: string[]) {
  const layers = [await layerOf({ 'bin/sh': 'shell' }), await layerOf({ 'app/serve.py': 'serve' }, 'zstd')]
  const image = imageOf({ layers, config: { Entrypoint: ['python', 'serve.py'] } })
  await push(target, repository, image, ...tags)
  return image
}

async function refused(t: ExecutionContext, reading: Promise<unknown>, reason: string, message: RegExp) {
  const error = await t.throwsAsync<ImageError>(reading, { name: 'ImageError' })
  t.is(String(error?.reason), reason, error?.message)
  t.regex(error?.message ?? '', message)
  t.notRegex(String(error?.stack), /wrong-horse|d3Jvbmct|correct-horse/, 'no password in an error')
}

test('anybody reads an image of an open registry, its layers included', async (t) => {
  const target = await registry(t)
  const image = await pushed(target, 'team/sam', '1.0.0')
  const source = sourceOf(target, 'team/sam')
  const facts = await inspect(source, { tag: '1.0.0' }, AMD64, signal)
  t.like(facts, { digest: image.digest, config: { entrypoint: ['python', 'serve.py'], architecture: 'amd64' } })
  t.is(
    facts.sizeBytes,
    image.layers.reduce((sum, { bytes }) => sum + bytes.byteLength, 0),
  )
  for (const { digest, bytes } of image.layers)
    t.deepEqual(Buffer.from(await readBlob(source, digest, 100_000, signal)), Buffer.from(bytes))
})

test('what is absent: a tag, a digest, a repository, a layer', async (t) => {
  const target = await registry(t)
  await pushed(target, 'team/sam', '1.0.0')
  const absent = `sha256:${'0'.repeat(64)}`
  for (const wanted of [{ tag: '2' }, { digest: absent }])
    await refused(t, inspect(sourceOf(target, 'team/sam'), wanted, AMD64, signal), 'ImageNotFound', /push it/)
  const nowhere = inspect(sourceOf(target, 'nowhere'), { tag: '1' }, AMD64, signal)
  await t.throwsAsync(nowhere, { name: 'ImageError', message: /push/ })
  await refused(t, sourceOf(target, 'team/sam').blob(absent, signal), 'ImageNotFound', /push the image again/)
})

test('of an index and of a Docker manifest list, the image for the platform is read', async (t) => {
  const target = await registry(t)
  for (const docker of [false, true]) {
    const images = ['arm64', 'amd64'].map((architecture) => imageOf({ architecture, docker }))
    const index = indexOf(images, { docker })
    await push(target, 'team/sam', index, 'multi')
    t.like(await inspect(sourceOf(target, 'team/sam'), { tag: 'multi' }, AMD64, signal), {
      digest: images[1]?.digest,
      indexDigest: index.digest,
      config: { architecture: 'amd64' },
    })
  }
})

test('a registry that wants a password gets it, by its pull secret', async (t) => {
  const target = await registry(t, { auth: 'basic' })
  const { digest } = await pushed(target, 'team/sam', '1.0.0')
  const source = sourceOf(target, 'team/sam', USER.password)
  t.is((await inspect(source, { tag: '1.0.0' }, AMD64, signal)).digest, digest)
  const wrong = inspect(sourceOf(target, 'team/sam', 'wrong-horse'), { tag: '1.0.0' }, AMD64, signal)
  await refused(t, wrong, 'RegistryDenied', /refuses the credentials of the pull secret .* correct the secret/)
  const nobody = inspect(sourceOf(target, 'team/sam'), { tag: '1.0.0' }, AMD64, signal)
  await refused(t, nobody, 'RegistryDenied', /asks for a password: name a pull secret/)
})

test('a registry that wants tokens gets them: of its user, or of nobody for what is public', async (t) => {
  const target = await registry(t, { auth: 'token' })
  const { digest } = await pushed(target, 'team/sam', '1.0.0')
  await pushed(target, 'public/sam', '1.0.0')
  const source = sourceOf(target, 'team/sam', USER.password)
  t.is((await inspect(source, { tag: '1.0.0' }, AMD64, signal)).digest, digest)
  t.is(target.tokens?.requests.length, 1, 'one token for manifest and configuration')
  t.is(target.tokens?.requests[0]?.get('scope'), 'repository:team/sam:pull')
  t.is(target.tokens?.requests[0]?.get('service'), 'test-registry')
  t.is((await inspect(sourceOf(target, 'public/sam'), { tag: '1.0.0' }, AMD64, signal)).digest, digest)

  const nobody = inspect(sourceOf(target, 'team/sam'), { tag: '1.0.0' }, AMD64, signal)
  await refused(t, nobody, 'RegistryDenied', /does not let anybody read the repository \(it answered 401\)/)
  const wrong = inspect(sourceOf(target, 'team/sam', 'wrong-horse'), { tag: '1.0.0' }, AMD64, signal)
  await refused(
    t,
    wrong,
    'RegistryDenied',
    /refuses the credentials of the pull secret \(its token server answered 401\)/,
  )
})

test('a token that has run out is asked for again', async (t) => {
  const target = await registry(t, { auth: 'token' })
  await pushed(target, 'team/sam', '1.0.0')
  let now = 0
  const { host } = target
  const repositoryUri = `${host}/team/sam`
  const source = ociSource({
    reference: { host, repository: 'team/sam', repositoryUri },
    credentials: { username: USER.name, password: USER.password },
    fetch,
    now: () => now,
    plainHttp: [host],
  })
  await source.manifest('1.0.0', signal)
  now = 200_000
  await source.manifest('1.0.0', signal)
  t.is(target.tokens?.requests.length, 1)
  now = 400_000
  await source.manifest('1.0.0', signal)
  t.is(target.tokens?.requests.length, 2)
})

test('a registry that speaks plain http is read only where that was allowed by its name', async (t) => {
  const target = await registry(t)
  await pushed(target, 'team/sam', '1.0.0')
  const source = sourceOf(target, 'team/sam', undefined, ['127.0.0.1:1'])
  await t.throwsAsync(source.manifest('1.0.0', signal), {
    name: 'RegistryUnavailable',
    message: /does not speak TLS. Plain http must be allowed for it by name/,
  })
})

test('the tags are listed, over several pages too', async (t) => {
  const target = await registry(t)
  const tags = Array.from({ length: 30 }, (_, number) => `1.${number}.0`)
  await push(target, 'team/sam', imageOf(), ...tags)
  const paged: typeof fetch = Object.assign(
    (url: string, init: RequestInit) => fetch(url.replace('n=1000', 'n=7'), init),
    { close: fetch.close },
  )
  const { host } = target
  const reference = { host, repository: 'team/sam', repositoryUri: `${host}/team/sam` }
  const found = await ociSource({ reference, fetch: paged, now: Date.now, plainHttp: [host] }).tags(signal)
  t.deepEqual(found.sort(), tags.sort())
  t.deepEqual(await sourceOf(target, 'nowhere').tags(signal), [])
})

test('what refers to an image is found by the tag of its digest, where the registry has no API for that', async (t) => {
  const target = await registry(t)
  const image = await pushed(target, 'team/sam', '1.0.0')
  t.deepEqual(await sourceOf(target, 'team/sam').referrers(image.digest, signal), [])
  const signature = { ...descriptorOf(image.manifest), artifactType: 'application/vnd.example.signature' }
  const index = blobOf(
    { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: [signature] },
    'application/vnd.oci.image.index.v1+json',
  )
  await pushManifest(target, 'team/sam', index, image.digest.replace(':', '-'))
  t.deepEqual(await sourceOf(target, 'team/sam').referrers(image.digest, signal), [signature])
})

test('files are looked for in the layers of a registry, and a bomb among them is given up', async (t) => {
  const target = await registry(t, { auth: 'token' })
  const zeros = { 'zeros.bin': Buffer.alloc(32 * 1024 * 1024) }
  const layers = [await layerOf({ 'opt/ml/model/sam3/weights.bin': 'x' }, 'zstd'), await layerOf(zeros)]
  await push(target, 'team/sam', imageOf({ layers }), '1.0.0')
  const source = sourceOf(target, 'team/sam', USER.password)
  const facts = await inspect(source, { tag: '1.0.0' }, AMD64, signal)
  const wanted = { required: ['/opt/ml/model/sam3/*', '/zeros.bin', '/absent'], forbidden: [] }
  const patient = await fileIndex().find(source, facts.layers, wanted, signal)
  t.deepEqual([...patient.present], ['/opt/ml/model/sam3/*', '/zeros.bin'])
  t.is(patient.unread, undefined)
  const strict = await fileIndex({ layerUnpackedBytes: 1_000_000 }).find(source, facts.layers, wanted, signal)
  t.deepEqual([...strict.undecided], ['/absent'])
  t.is(strict.unread, 'layer 2 of 2 unpacks to more than is looked at')
})
