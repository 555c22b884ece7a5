import test from 'ava'
import fc from 'fast-check'
import { parseConfig } from '../../../operator/images/config.ts'
import { ImageError } from '../../../operator/images/errors.ts'
import { fits } from '../../../operator/images/glob.ts'
import { TarError, tarIndex } from '../../../operator/images/layers/tar.ts'
import { parseManifest } from '../../../operator/images/manifest.ts'
import { isForbidden } from '../../../operator/images/oci/address.ts'
import { parseChallenges } from '../../../operator/images/oci/challenge.ts'
import { credentialsFor } from '../../../operator/images/oci/pull-secret.ts'
import { tarOf } from '../../oci-images.ts'
import { configFor, manifestOf } from './memory-source.ts'

/** Whatever a registry sends, what reads it answers, or refuses in its own words. */
const RUNS = { numRuns: 2_000 }

/** A document in which something is exchanged for something else. */
const broken = (document: object) => {
  const places = paths(document)
  return fc.tuple(fc.constantFrom(...places), fc.jsonValue({ maxDepth: 3 })).map(([place, value]) => {
    const copy = structuredClone({ root: document }) as Record<string, unknown>
    let at = copy
    for (const key of ['root', ...place.slice(0, -1)]) at = at[key] as Record<string, unknown>
    const last = place.at(-1)
    if (last === undefined) copy.root = value
    else at[last] = value
    return Buffer.from(JSON.stringify(copy.root))
  })
}

function paths(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path]
  return [path, ...Object.entries(value).flatMap(([key, member]) => paths(member, [...path, key]))]
}

function refusesInItsWords(work: () => unknown, kind: new (...given: never[]) => Error): boolean {
  try {
    work()
  } catch (error) {
    if (!(error instanceof kind)) throw error
    if (error.message.length > 300) throw new Error(`no condition has room for it: ${error.message}`)
  }
  return true
}

const digest = `sha256:${'a'.repeat(64)}`
const manifest = manifestOf({ mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: 2 }, [1, 2])
const index = {
  schemaVersion: 2,
  manifests: [
    { mediaType: 'm', digest, size: 1, platform: { os: 'linux', architecture: 'amd64' }, annotations: { a: 'b' } },
  ],
}
const config = {
  ...configFor('amd64', { Env: ['A=1'], Labels: { a: 'b' }, ExposedPorts: { '80/tcp': {} } }),
  history: [{ created_by: 'x' }],
}

for (const [what, document] of Object.entries({ manifest, index }))
  test(`any ${what}`, (t) => {
    const parse = (bytes: Uint8Array) => refusesInItsWords(() => parseManifest({ mediaType: '', bytes }), ImageError)
    fc.assert(fc.property(broken(document), parse), RUNS)
    t.pass()
  })

test('any configuration', (t) => {
  fc.assert(
    fc.property(broken(config), (bytes) => refusesInItsWords(() => parseConfig(bytes), ImageError)),
    RUNS,
  )
  t.pass()
})

test('any pull secret', (t) => {
  const secret = { auths: { 'registry.example': { auth: 'YTpi', username: 'a', password: 'b' } } }
  const read = (bytes: Buffer) =>
    refusesInItsWords(() => credentialsFor('registry.example/x', [bytes.toString('utf8')]), ImageError)
  fc.assert(fc.property(broken(secret), read), RUNS)
  t.pass()
})

test('any archive, in pieces of any size', async (t) => {
  const archive = Buffer.from(
    await tarOf({ 'a/b': 'x'.repeat(700), [`${'long/'.repeat(40)}x`]: 'y', l: { symlink: 'a' } }),
  )
  const damage = fc.record({
    at: fc.nat(archive.length - 1),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }),
    piece: fc.integer({ min: 1, max: 2_000 }),
  })
  fc.assert(
    fc.property(damage, ({ at, bytes, piece }) => {
      const copy = Buffer.from(archive)
      copy.set(bytes.subarray(0, copy.length - at), at)
      return refusesInItsWords(() => {
        const entries = tarIndex(() => {})
        for (let from = 0; from < copy.length; from += piece) entries.write(copy.subarray(from, from + piece))
        entries.end()
      }, TarError)
    }),
    RUNS,
  )
  t.pass()
})

test('any challenge, any address', (t) => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('"', '\\', ',', '=', ' ', 'a', 'Basic ') }),
      (text) => parseChallenges(text).length >= 0,
    ),
    RUNS,
  )
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()), (host) => typeof isForbidden(host) === 'boolean'),
    RUNS,
  )
  fc.assert(
    fc.property(fc.nat(255), fc.nat(255), (third, fourth) => isForbidden(`169.254.${third}.${fourth}`)),
    RUNS,
  )
  t.pass()
})

test('a star fits what a regular expression would', (t) => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 })
  const plain = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 })
  fc.assert(
    fc.property(
      text,
      plain,
      (pattern, given) => fits(pattern, given) === new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(given),
    ),
    RUNS,
  )
  t.pass()
})
