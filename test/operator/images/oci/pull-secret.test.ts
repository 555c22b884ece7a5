import test from 'ava'
import { credentialsFor } from '../../../../operator/images/oci/pull-secret.ts'

const auth = (name: string) => Buffer.from(`${name}:pass:word`).toString('base64')
const secret = (...keys: string[]) =>
  JSON.stringify({ auths: Object.fromEntries(keys.map((key) => [key, { auth: auth(key) }])) })
const found = (repositoryUri: string, ...secrets: string[]) => {
  const credentials = credentialsFor(repositoryUri, secrets)
  return credentials && 'username' in credentials ? credentials.username : undefined
}

test('a host is found as the kubelet finds it', (t) => {
  const cases: [key: string, repositoryUri: string, fits: boolean][] = [
    ['registry.example', 'registry.example/team/sam', true],
    ['registry.example:5000', 'registry.example:5000/sam', true],
    ['registry.example', 'registry.example:5000/sam', false],
    ['registry.example:5000', 'registry.example/sam', false],
    ['https://registry.example', 'registry.example/sam', true],
    ['https://registry.example/v2/', 'registry.example/sam', true],
    ['*.example', 'registry.example/sam', true],
    ['*.example', 'a.registry.example/sam', false],
    ['r*y.example', 'registry.example/sam', true],
    ['registry.example/team', 'registry.example/team/sam', true],
    ['registry.example/team', 'registry.example/other/sam', false],
    ['example', 'registry.example/sam', false],
    ['docker.io', 'docker.io/library/debian', true],
    ['https://index.docker.io/v1/', 'docker.io/library/debian', true],
    ['https://index.docker.io/v1/', 'registry.example/debian', false],
  ]
  for (const [key, repositoryUri, fits] of cases) {
    const username = found(repositoryUri, JSON.stringify({ auths: { [key]: { username: 'me', password: 'p' } } }))
    t.is(username, fits ? 'me' : undefined, `${key} for ${repositoryUri}`)
  }
})

test('the most specific key is taken, then the first secret', (t) => {
  const one = secret('registry.example', 'registry.example/team', 'registry.example/te')
  t.is(found('registry.example/team/sam', one), 'registry.example/team')
  t.is(found('registry.example/sam', one), 'registry.example')
  const other = JSON.stringify({ auths: { 'registry.example': { username: 'other', password: 'p' } } })
  t.is(found('registry.example/sam', other, one), 'other')
})

test('a password may hold a colon; an identity token goes before it', (t) => {
  t.deepEqual(
    credentialsFor('registry.example/sam', [JSON.stringify({ auths: { 'registry.example': { auth: auth('me') } } })]),
    {
      username: 'me',
      password: 'pass:word',
    },
  )
  const both = { auth: auth('me'), identitytoken: 'secret' }
  t.deepEqual(credentialsFor('registry.example/sam', [JSON.stringify({ auths: { 'registry.example': both } })]), {
    identityToken: 'secret',
  })
})

test('an entry without a password is none', (t) => {
  for (const entry of [{}, { auth: '' }, { auth: 'bm9jb2xvbg==' }, { username: 'me' }, { auth: null }])
    t.is(credentialsFor('registry.example/sam', [JSON.stringify({ auths: { 'registry.example': entry } })]), undefined)
  t.is(credentialsFor('registry.example/sam', ['{}', '{"auths":null}']), undefined)
})

test('a secret that cannot be read is said so, and nothing of it', (t) => {
  for (const broken of [
    'my-password',
    '{"auths": my-password',
    '{"auths":{"x":"my-password"}}',
    '["my-password"]',
    'null',
  ]) {
    const error = t.throws(() => credentialsFor('registry.example/sam', [broken]), { name: 'ImageError' })
    t.notRegex(`${error?.stack} ${error?.cause}`, /my-password/)
  }
})
