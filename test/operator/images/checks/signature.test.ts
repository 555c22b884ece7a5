import { generateKeyPairSync, sign } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { publicKey } from '../../../../operator/images/checks/cosign/keys.ts'
import type { CheckResult } from '../../../../operator/images/checks.ts'
import type { ImageSource } from '../../../../operator/images/source.ts'
import { type MemorySource, memorySource, OCI_INDEX, OCI_MANIFEST } from '../memory-source.ts'
import { type Fixture, fixture } from './fixtures.ts'
import { anImage, check } from './images.ts'

const BUNDLE = 'application/vnd.dev.sigstore.bundle.v0.3+json'
const STATEMENT = 'application/vnd.in-toto+json'
const OTHER_KEY = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  .publicKey.export({ type: 'spki', format: 'pem' })
  .toString()

function sourceOf({ tags, manifests, blobs }: Fixture): MemorySource {
  const source = memorySource()
  for (const [digest, { mediaType, base64 }] of Object.entries(manifests)) {
    const bytes = Buffer.from(base64, 'base64')
    source.putManifest(bytes, undefined, mediaType)
    for (const [tag, tagged] of Object.entries(tags)) if (tagged === digest) source.putManifest(bytes, tag, mediaType)
  }
  for (const base64 of Object.values(blobs)) source.putBlob(Buffer.from(base64, 'base64'))
  return source
}

async function verdict(
  source: Partial<ImageSource>,
  facts: { digest: string; indexDigest?: string },
  publicKeys: string[],
): Promise<CheckResult | undefined> {
  const results = await check(anImage({}, facts), { signature: { publicKeys } }, { source })
  return results.find(({ name }) => name === 'signature')
}

function says(
  t: ExecutionContext,
  result: CheckResult | undefined,
  expected: CheckResult['verdict'],
  text: string,
): void {
  t.is(result?.verdict, expected, result?.message)
  t.true(result?.message.includes(text), result?.message)
}

for (const name of [
  'ecdsa-bundle',
  'ecdsa-simple-signing',
  'rsa-bundle',
  'rsa-simple-signing',
  'p384-bundle',
  'p384-simple-signing',
]) {
  const { tags, publicKey: pem } = fixture(name)
  const digest = tags['1'] ?? ''

  test(`what cosign made counts by its own key, and by no other: ${name}`, async (t) => {
    const source = sourceOf(fixture(name))
    says(t, await verdict(source, { digest }, [OTHER_KEY, pem]), 'Pass', 'signed by publicKeys[1]')
    says(t, await verdict(source, { digest }, [OTHER_KEY]), 'Fail', 'has a signature, but not by one of')
  })

  test(`a signature of one image, laid beside another, does not count: ${name}`, async (t) => {
    const stolen = fixture(name)
    const other = `sha256:${'e'.repeat(64)}`
    for (const [tag, target] of Object.entries(stolen.tags))
      stolen.tags[tag.replace(digest.slice(7), 'e'.repeat(64))] = target
    says(t, await verdict(sourceOf(stolen), { digest: other }, [pem]), 'Fail', 'has no signature')
  })
}

test('a signature of the index counts for the image of each platform', async (t) => {
  const given = fixture('index')
  const indexDigest = given.tags['1'] ?? ''
  const { manifests } = JSON.parse(Buffer.from(given.manifests[indexDigest]?.base64 ?? '', 'base64').toString())
  const digest: string = manifests[0].digest
  says(
    t,
    await verdict(sourceOf(given), { digest, indexDigest }, [given.publicKey]),
    'Pass',
    "The image's index is signed",
  )
  says(t, await verdict(sourceOf(given), { digest }, [given.publicKey]), 'Fail', 'has no signature')
})

test('an attestation by the same key is no approval', async (t) => {
  const given = fixture('attestation')
  says(
    t,
    await verdict(sourceOf(given), { digest: given.tags['1'] ?? '' }, [given.publicKey]),
    'Fail',
    'has no signature',
  )
})

test('a registry with the referrers API is asked by it', async (t) => {
  const given = fixture('ecdsa-bundle')
  const digest = given.tags['1'] ?? ''
  const list = given.tags[digest.replace(':', '-')] ?? ''
  const { manifests } = JSON.parse(Buffer.from(given.manifests[list]?.base64 ?? '', 'base64').toString())
  delete given.tags[digest.replace(':', '-')]
  const asked: string[] = []
  const source: Partial<ImageSource> = {
    ...sourceOf(given),
    referrers: async (of) => {
      asked.push(of)
      return manifests
    },
  }
  says(t, await verdict(source, { digest }, [given.publicKey]), 'Pass', 'signed by publicKeys[0]')
  t.deepEqual(asked, [digest])
})

/** A bundle as cosign makes it, with a pure Ed25519 key. */
function putBundle(source: MemorySource, digest: string, change: { payload?: object; type?: string } = {}): string {
  const { privateKey, publicKey: key } = generateKeyPairSync('ed25519')
  const payload = Buffer.from(
    JSON.stringify({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ digest: { sha256: digest.slice(7) } }],
      predicateType: 'https://sigstore.dev/cosign/sign/v1',
      predicate: {},
      ...change.payload,
    }),
  )
  const type = change.type ?? STATEMENT
  const data = Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.length} `), payload])
  const signature = sign(null, data, privateKey).toString('base64')
  const blob = source.putBlob({
    mediaType: BUNDLE,
    dsseEnvelope: { payload: payload.toString('base64'), payloadType: type, signatures: [{ sig: signature }] },
  })
  const empty = source.putBlob({})
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: BUNDLE,
    config: empty,
    layers: [{ ...blob, mediaType: BUNDLE }],
  }
  const list = [{ mediaType: OCI_MANIFEST, digest: source.putManifest(manifest), size: 1, artifactType: BUNDLE }]
  source.putManifest({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: list }, digest.replace(':', '-'), OCI_INDEX)
  return key.export({ type: 'spki', format: 'pem' }).toString()
}

test('a signature by an Ed25519 key counts, and one over a statement of another kind does not', async (t) => {
  const digest = `sha256:${'d'.repeat(64)}`
  const good = memorySource()
  says(t, await verdict(good, { digest }, [putBundle(good, digest)]), 'Pass', 'signed by')
  for (const change of [
    { payload: { predicateType: 'https://spdx.dev/Document' } },
    { payload: { _type: 'https://example.com/Statement' } },
    { payload: { subject: [] } },
    { type: 'text/plain' },
  ]) {
    const source = memorySource()
    says(t, await verdict(source, { digest }, [putBundle(source, digest, change)]), 'Fail', 'has no signature')
  }
})

test('a payload that was changed after it was signed does not count', async (t) => {
  const given = fixture('ecdsa-simple-signing')
  const digest = given.tags['1'] ?? ''
  const signed = given.tags[`${digest.replace(':', '-')}.sig`] ?? ''
  const source = sourceOf(given)
  const manifest = JSON.parse(Buffer.from(given.manifests[signed]?.base64 ?? '', 'base64').toString())
  const payload = Buffer.from(given.blobs[manifest.layers[0].digest] ?? '', 'base64').toString()
  const other = `sha256:${'e'.repeat(64)}`
  const changed = source.putBlob(payload.replaceAll(digest, other))
  manifest.layers[0] = { ...manifest.layers[0], digest: changed.digest, size: changed.size }
  source.putManifest(manifest, `${other.replace(':', '-')}.sig`)
  says(t, await verdict(source, { digest: other }, [given.publicKey]), 'Fail', 'has a signature, but not by')
})

test('what cannot be read as a signature is none, and a good one behind it counts', async (t) => {
  const given = fixture('ecdsa-simple-signing')
  const digest = given.tags['1'] ?? ''
  const signed = given.tags[`${digest.replace(':', '-')}.sig`] ?? ''
  const source = sourceOf(given)
  const manifest = JSON.parse(Buffer.from(given.manifests[signed]?.base64 ?? '', 'base64').toString())
  const [good] = manifest.layers
  const junk = ['[', '{}', '"\u0000"', '['.repeat(100_000)].map((text) => ({
    ...good,
    ...source.putBlob(text),
    mediaType: good.mediaType,
  }))
  const absent = { ...good, digest: `sha256:${'0'.repeat(64)}` }
  const huge = { ...good, size: 10_000_000_000 }
  const unsigned = { ...good, annotations: { 'dev.cosignproject.cosign/signature': '%' } }
  source.putManifest(
    { ...manifest, layers: [...junk, absent, huge, unsigned, good] },
    `${digest.replace(':', '-')}.sig`,
  )
  says(t, await verdict(source, { digest }, [given.publicKey]), 'Pass', 'signed by')
})

test('thousands of signatures beside an image are not read', async (t) => {
  const given = fixture('ecdsa-simple-signing')
  const digest = given.tags['1'] ?? ''
  const signed = given.tags[`${digest.replace(':', '-')}.sig`] ?? ''
  const source = sourceOf(given)
  const manifest = JSON.parse(Buffer.from(given.manifests[signed]?.base64 ?? '', 'base64').toString())
  source.putManifest({ ...manifest, layers: Array(2000).fill(manifest.layers[0]) }, `${digest.replace(':', '-')}.sig`)
  let read = 0
  const counting: Partial<ImageSource> = {
    ...source,
    blob: (of, signal) => {
      read++
      return source.blob(of, signal)
    },
  }
  says(t, await verdict(counting, { digest }, [OTHER_KEY]), 'Fail', '32 signatures')
  t.is(read, 32)
})

test('a key that nobody should trust is refused', (t) => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 })
    .publicKey.export({ type: 'spki', format: 'pem' })
    .toString()
  t.throws(() => publicKey(weak), { message: /less than 2048 bits/ })
  const agreement = generateKeyPairSync('x25519').publicKey.export({ type: 'spki', format: 'pem' }).toString()
  t.throws(() => publicKey(agreement), { message: /neither of ECDSA/ })
})
