import test from 'ava'
import { ImageError, parseReference, type RegistryApi, registry } from '../../../operator/providers/registry.ts'

const signal = AbortSignal.timeout(60_000)
const OCI = 'application/vnd.oci.image.manifest.v1+json'
const digest = (letter: string) => `sha256:${letter.repeat(64)}`
const REFERENCE = {
  registryId: '123456789012',
  region: 'us-east-1',
  repositoryUri: '123456789012.dkr.ecr.us-east-1.amazonaws.com/team/sam',
  repository: 'team/sam',
  tag: '1.0.0',
}
const IMAGE = JSON.stringify({ mediaType: OCI, config: { digest: digest('c') }, layers: [{ size: 7 }, { size: 5 }] })

/** A registry of manifests by tag or digest. */
function holding(manifests: Record<string, string>): RegistryApi {
  const metadata = { $metadata: {} }
  return {
    async batchGetImage({ imageIds = [] }) {
      const [id] = imageIds
      const key = id?.imageTag ?? id?.imageDigest ?? ''
      const found = manifests[key]
      return found
        ? { ...metadata, images: [{ imageManifest: found, imageId: { imageDigest: id?.imageDigest ?? digest('a') } }] }
        : { ...metadata, failures: [{ failureCode: 'ImageNotFound' }] }
    },
    describeImages: async () => ({ ...metadata, imageDetails: [{ imagePushedAt: new Date(0) }] }),
    getDownloadUrlForLayer: async ({ layerDigest }) => ({ ...metadata, downloadUrl: `https://blobs/${layerDigest}` }),
  }
}
const blob = (content: unknown) => async () => new Response(JSON.stringify(content))

test('a reference is taken apart, a port, a scheme or neither tag nor digest is none', (t) => {
  t.deepEqual(parseReference('123456789012.dkr.ecr.us-east-1.amazonaws.com/team/sam:1.0.0'), REFERENCE)
  t.is(parseReference(`123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/sam@${digest('a')}`)?.digest, digest('a'))
  for (const bad of ['sam:1', '123456789012.dkr.ecr.us-east-1.amazonaws.com/sam', 'https://x/y:1'])
    t.is(parseReference(bad), undefined)
})

test('an image is resolved to its digest, with size and layers', async (t) => {
  const found = await registry(holding({ '1.0.0': IMAGE }), blob({})).resolve(REFERENCE, signal)
  t.deepEqual(found, { digest: digest('a'), configDigest: digest('c'), sizeBytes: 12, layers: 2 })
})

test('of an index, the image for linux/amd64 is taken', async (t) => {
  const index = JSON.stringify({
    manifests: [
      { digest: digest('1'), platform: { os: 'linux', architecture: 'arm64' } },
      { digest: digest('2'), platform: { os: 'linux', architecture: 'amd64' } },
    ],
  })
  const found = await registry(holding({ '1.0.0': index, [digest('2')]: IMAGE }), blob({})).resolve(REFERENCE, signal)
  t.is(found.digest, digest('2'))
})

test('an index without linux/amd64 is refused with the remedy', async (t) => {
  const index = JSON.stringify({
    manifests: [{ digest: digest('1'), platform: { os: 'linux', architecture: 'arm64' } }],
  })
  const error = await t.throwsAsync(registry(holding({ '1.0.0': index }), blob({})).resolve(REFERENCE, signal), {
    instanceOf: ImageError,
  })
  t.regex(error?.message ?? '', /build it with --platform linux\/amd64/)
})

test('a tag that is not there is said with what to do', async (t) => {
  const error = await t.throwsAsync<ImageError>(registry(holding({}), blob({})).resolve(REFERENCE, signal))
  t.is(error?.reason, 'ImageNotFound')
  t.regex(error?.message ?? '', /There is no image team\/sam:1\.0\.0 .* push it/)
})

test('the configuration is read through the presigned address, its absent parts are empty', async (t) => {
  const content = {
    os: 'linux',
    architecture: 'amd64',
    created: '2026-01-01T00:00:00Z',
    config: { Entrypoint: ['run'], Cmd: null },
  }
  const config = await registry(holding({}), blob(content)).config(REFERENCE, digest('c'), signal)
  t.deepEqual(config, {
    os: 'linux',
    architecture: 'amd64',
    createdAt: '2026-01-01T00:00:00.000Z',
    entrypoint: ['run'],
    cmd: [],
    exposedPorts: [],
  })
})

test('a registry that refuses the configuration is an error to be tried again, not an empty configuration', async (t) => {
  const refusing = registry(holding({}), async () => new Response('no', { status: 503 }))
  await t.throwsAsync(refusing.config(REFERENCE, digest('c'), signal), { message: /answered 503/ })
})
