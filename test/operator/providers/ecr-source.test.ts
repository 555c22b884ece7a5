import { ECR } from '@aws-sdk/client-ecr'
import test, { type ExecutionContext } from 'ava'
import { startLocalCloud } from '../../../local/cloud.ts'
import { MAX_PAGES } from '../../../operator/images/bounds.ts'
import { ImageError, RegistryUnavailable } from '../../../operator/images/errors.ts'
import { inspect } from '../../../operator/images/inspect.ts'
import { fileIndex } from '../../../operator/images/layers/files.ts'
import { type ImageReference, parseReference } from '../../../operator/images/reference.ts'
import { type EcrApi, ecrSource } from '../../../operator/providers/ecr-source.ts'

const signal = AbortSignal.timeout(120_000)
const AMD64 = { os: 'linux', architecture: 'amd64' }
const reference = (image: string) =>
  parseReference(`123456789012.dkr.ecr.us-east-1.amazonaws.com/${image}`) as ImageReference

async function ecr(t: ExecutionContext) {
  const cloud = await startLocalCloud()
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  const client = new ECR({ endpoint: cloud.url, region: 'us-east-1', credentials, maxAttempts: 1 })
  t.teardown(async () => {
    client.destroy()
    await cloud.stop()
  })
  return { cloud, source: (image: string) => ecrSource(client, reference(image), fetch, Date.now) }
}

const METADATA = { $metadata: {} }
const unused = async (): Promise<never> => {
  throw new Error('not called here')
}
/** An ECR that answers one operation as the test wants. */
function answering(answers: Partial<EcrApi>, download: typeof fetch = unused) {
  const api: EcrApi = {
    batchGetImage: unused,
    describeImages: unused,
    describeImageScanFindings: unused,
    getDownloadUrlForLayer: unused,
    listImageReferrers: unused,
    listImages: unused,
    ...answers,
  }
  return ecrSource(api, reference('team/sam:1'), download, () => 0)
}

test('an image is read: what it says of itself, when it came, and the files in its layers', async (t) => {
  const { cloud, source } = await ecr(t)
  const digest = cloud.registerImage({
    repository: 'team/sam',
    tag: '1.0.0',
    command: ['python', 'serve.py'],
    environment: { A: '1' },
    sizeBytes: 22_000_000_000,
    layers: [{ 'opt/ml/model/sam3/weights.bin': 1000 }],
  })
  const sam = source('team/sam:1.0.0')
  const facts = await inspect(sam, { tag: '1.0.0' }, AMD64, signal)
  t.like(facts, { digest, sizeBytes: 22_000_000_000, config: { entrypoint: ['python', 'serve.py'], env: { A: '1' } } })
  t.true(facts.pushedAt instanceof Date)
  const required = ['/opt/ml/model/sam3/*', '/opt/program/serve', '/absent']
  const { present, unread } = await fileIndex().find(sam, facts.layers, { required, forbidden: [] }, signal)
  t.is(unread, undefined)
  t.deepEqual([...present], ['/opt/ml/model/sam3/*', '/opt/program/serve'])
})

test('of an index, the image for the platform is taken', async (t) => {
  const { cloud, source } = await ecr(t)
  const index = cloud.registerImage({ repository: 'r', tag: '1', command: [], architectures: ['arm64', 'amd64'] })
  const facts = await inspect(source('r:1'), { tag: '1' }, AMD64, signal)
  t.is(facts.indexDigest, index)
  t.is(facts.config.architecture, 'amd64')
})

test('what is absent is said with what to do', async (t) => {
  const { cloud, source } = await ecr(t)
  cloud.registerImage({ repository: 'r', tag: '1', command: [] })
  const refused = async (reading: Promise<unknown>, reason: string, message: RegExp) => {
    const error = await t.throwsAsync<ImageError>(reading, { instanceOf: ImageError })
    t.is(String(error?.reason), reason)
    t.regex(error?.message ?? '', message)
  }
  await refused(inspect(source('r:2'), { tag: '2' }, AMD64, signal), 'ImageNotFound', /no image .*\/r:2: push it/)
  await refused(source('none:1').manifest('1', signal), 'RepositoryNotFound', /There is no repository none in account/)
  const absent = `sha256:${'0'.repeat(64)}`
  await refused(source('r:1').blob(absent, signal), 'ImageNotFound', /push the image again/)
  t.is(await source('r:1').pushedAt(absent, signal), undefined)
})

test('the tags are listed, over all pages', async (t) => {
  const { cloud, source } = await ecr(t)
  for (let number = 0; number < 1_005; number++)
    cloud.registerImage({ repository: 'r', tag: `1.${number}`, command: [String(number % 7)] })
  t.is(new Set(await source('r:1').tags(signal)).size, 1_005)
})

test('a listing without an end stops at the bound', async (t) => {
  let pages = 0
  const next = () => ({ ...METADATA, nextToken: String(++pages) })
  const endless = answering({
    listImages: async () => ({ ...next(), imageIds: [{ imageTag: `t${pages}` }, { imageDigest: 'sha256:x' }] }),
    listImageReferrers: async () => ({ ...next(), referrers: [{ digest: 'd', mediaType: 'm', size: 1 }] }),
  })
  t.is((await endless.tags(signal)).length, MAX_PAGES)
  pages = 0
  t.is((await endless.referrers('sha256:x', signal)).length, MAX_PAGES)
})

test('the findings of a scan are counted; there may have been none, or none yet', async (t) => {
  const { cloud, source } = await ecr(t)
  const scan = { status: 'ACTIVE' as const, counts: { CRITICAL: 2, HIGH: 0, UNDEFINED: 1, UNTRIAGED: 3 } }
  const scanned = cloud.registerImage({ repository: 'r', tag: 'scanned', command: ['a'], scan })
  const waits = cloud.registerImage({ repository: 'r', tag: 'waits', command: ['b'], scan: { status: 'PENDING' } })
  const none = cloud.registerImage({ repository: 'r', tag: 'none', command: ['c'] })
  const found = await source('r:1').scanFindings(scanned, signal)
  t.like(found, { status: 'ACTIVE', counts: { CRITICAL: 2, UNDEFINED: 4 } })
  t.true(found?.scannedAt instanceof Date)
  t.deepEqual(await source('r:1').scanFindings(waits, signal), { status: 'PENDING', counts: {} })
  t.is(await source('r:1').scanFindings(none, signal), undefined)
})

test('signatures are found by the API, and else by the tag of the digest', async (t) => {
  const { cloud, source } = await ecr(t)
  const digest = cloud.registerImage({ repository: 'r', tag: '1', command: [] })
  t.deepEqual(await source('r:1').referrers(digest, signal), [])
  const signature = {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: `sha256:${'1'.repeat(64)}`,
    size: 5,
  }
  const asked: unknown[] = []
  const byTag = answering({
    listImageReferrers: async () => METADATA,
    batchGetImage: async ({ imageIds }) => {
      asked.push(imageIds)
      return { ...METADATA, images: [{ imageManifest: JSON.stringify({ schemaVersion: 2, manifests: [signature] }) }] }
    },
  })
  t.deepEqual(await byTag.referrers(digest, signal), [signature])
  t.deepEqual(asked, [[{ imageTag: digest.replace(':', '-') }]])
  const byApi = answering({
    listImageReferrers: async () => ({
      ...METADATA,
      referrers: [{ ...signature, artifactType: 'a', artifactStatus: 'ACTIVE' }],
    }),
  })
  t.deepEqual(await byApi.referrers(digest, signal), [{ ...signature, artifactType: 'a' }])
})

test('an image that ECR has and does not give out is not taken for absent', async (t) => {
  const failing = (failureCode: 'KmsError' | 'UpstreamUnavailable' | 'ImageNotFound') =>
    answering({ batchGetImage: async () => ({ ...METADATA, failures: [{ failureCode }] }) }).manifest('1', signal)
  t.is(await failing('ImageNotFound'), undefined)
  await t.throwsAsync(failing('KmsError'), { instanceOf: ImageError, message: /KmsError.*KMS key/ })
  await t.throwsAsync(failing('UpstreamUnavailable'), { instanceOf: RegistryUnavailable })
})

test('a download that fails is to be tried again, and its address, which is a password, is in no error', async (t) => {
  const source = (status: number) =>
    answering(
      {
        getDownloadUrlForLayer: async () => ({
          ...METADATA,
          downloadUrl: 'https://s3.example/x?X-Amz-Signature=secret',
        }),
      },
      async () => new Response('no', { status }),
    )
  for (const status of [403, 404, 500, 503]) {
    const error = await t.throwsAsync(source(status).blob('sha256:x', signal), { instanceOf: RegistryUnavailable })
    t.notRegex(`${error?.stack} ${error?.cause}`, /secret/)
  }
})
