import test from 'ava'
import { type CheckName, imageChecks } from '../../../../operator/api/image-checks.ts'
import type { Target } from '../../../../operator/images/checks/finding.ts'
import { blocked } from '../../../../operator/images/checks/run.ts'
import type { Verdict } from '../../../../operator/images/checks.ts'
import {
  blobOf,
  type Files,
  type Image,
  type ImageOptions,
  imageOf,
  type Layer,
  layerOf,
  push,
} from '../../../oci-images.ts'
import { startRegistry, type TestRegistry } from '../../../registry.ts'
import { type Fixture, fixture, pushFixture } from './fixtures.ts'
import { type CheckIn, checksIn } from './from-registry.ts'
import type { GivenChecks } from './images.ts'

/** What is wrong with the image, and what says so. */
type BadImage = {
  what: string
  /** Given the layers of a good image, from the base upwards. */
  image: (good: Good) => Promise<ImageOptions> | ImageOptions
  tag?: string
  checks?: GivenChecks
  target?: Target
  says: [CheckName, Verdict, string]
}
type Good = { layers: Layer[]; config: object }

const MODEL = 'opt/ml/model/sam3/model.onnx'
const GOOD_CONFIG = {
  Entrypoint: ['python', '/opt/program/inference.py'],
  Env: ['PATH=/opt/program:/usr/local/bin:/usr/bin:/bin', 'MODEL=sam3'],
  WorkingDir: '/opt/program',
  ExposedPorts: { '8080/tcp': {} },
}
const BASE = { 'usr/bin/python': 'ELF', 'etc/os-release': 'ID=debian\n' }
const PROGRAM = { 'opt/program/inference.py': 'print("serving")\n', [MODEL]: 'onnx' }
const ON_GPU = { instanceTypes: ['ml.g5.2xlarge'] }
const SIZES_OF_60_GB = 20_000_000_000

const base = await layerOf(BASE)
const program = await layerOf(PROGRAM)
const GOOD: Good = { layers: [base, program], config: GOOD_CONFIG }
// In pieces: scanners of repositories know these forms too.
const GITHUB = `ghp_${'x'.repeat(36)}`
const AWS = `AKIA${'QWERTYUIOPASDFGH'}`

const configured =
  (change: object) =>
  ({ layers, config }: Good): ImageOptions => ({ layers, config: { ...config, ...change } })
const variables = (...more: string[]) => configured({ Env: [...GOOD_CONFIG.Env, ...more] })
const withLayers =
  (...more: Files[]) =>
  async ({ layers, config }: Good): Promise<ImageOptions> => ({
    layers: [...layers, ...(await Promise.all(more.map((files) => layerOf(files))))],
    config,
  })
const built = (more: ImageOptions) => (good: Good) => ({ ...good, ...more })
const requiring = (...paths: string[]): GivenChecks => ({ requiredPaths: { paths } })
const forbidding = (...paths: string[]): GivenChecks => ({ forbiddenPaths: { paths } })
const signedBy = ({ publicKey }: Fixture): GivenChecks => ({ signature: { publicKeys: [publicKey] } })

const BAD_IMAGES: BadImage[] = [
  {
    what: 'ENTRYPOINT runs the wrong script',
    image: configured({ Entrypoint: ['python', 'serve.py'] }),
    checks: { entrypoint: { matches: ['inference\\.py$'] } },
    says: ['entrypoint', 'Fail', 'ENTRYPOINT is python serve.py, which does not match'],
  },
  {
    what: 'ENTRYPOINT is for a shell',
    image: configured({ Entrypoint: ['/bin/sh', '-c', 'python /opt/program/inference.py'] }),
    checks: { execForm: { policy: 'Enforce' } },
    says: ['execForm', 'Fail', 'in a shell, which need not pass SIGTERM on'],
  },
  {
    what: 'the command is in CMD, which SageMaker replaces',
    image: configured({ Entrypoint: [], Cmd: ['python', '/opt/program/inference.py'] }),
    says: ['serveArgument', 'Fail', 'there is no program serve on the PATH'],
  },
  {
    what: 'the program serve was deleted by a later layer',
    image: async ({ config }) => ({
      layers: [
        await layerOf({ 'opt/program/serve': { text: '#!/bin/sh', mode: 0o755 } }),
        await layerOf({ 'opt/program/.wh.serve': '' }),
      ],
      config: { ...config, Entrypoint: [] },
    }),
    says: ['serveArgument', 'Fail', 'there is no program serve on the PATH'],
  },
  {
    what: 'nobody may execute its program serve',
    image: async ({ config }) => ({
      layers: [await layerOf({ 'opt/program/serve': { text: '#!/bin/sh', mode: 0o644 } })],
      config: { ...config, Entrypoint: [] },
    }),
    says: ['serveArgument', 'Fail', 'add RUN chmod +x /opt/program/serve'],
  },
  {
    what: 'ENTRYPOINT is an interpreter, its script in CMD',
    image: configured({ Entrypoint: ['python'], Cmd: ['inference.py'] }),
    says: ['serveArgument', 'Fail', '/opt/program/serve does not exist'],
  },
  {
    what: 'the server refuses the argument serve',
    image: configured({ Entrypoint: ['uvicorn', 'app:app', '--port', '8080'] }),
    says: ['serveArgument', 'Fail', 'uvicorn, which ends with an error'],
  },
  {
    what: 'another port is declared',
    image: configured({ ExposedPorts: { '5000/tcp': {} } }),
    checks: { port: { policy: 'Enforce' } },
    says: ['port', 'Fail', 'declares 5000/tcp'],
  },
  {
    what: 'it was built on a laptop with an Arm processor',
    image: built({ architecture: 'arm64' }),
    target: ON_GPU,
    says: ['platform', 'Fail', 'linux/arm64, but ml.g5.2xlarge runs linux/amd64'],
  },
  {
    what: 'it was built for Intel, and is to run on Graviton',
    image: built({}),
    target: { instanceTypes: ['ml.c7g.xlarge'] },
    says: ['platform', 'Fail', 'ml.c7g.xlarge runs linux/arm64'],
  },
  {
    what: 'it was built for Windows',
    image: built({ os: 'windows' }),
    says: ['platform', 'Fail', 'windows/amd64'],
  },
  {
    what: 'it runs as root',
    image: configured({ User: 'root' }),
    checks: { user: { policy: 'Enforce' } },
    says: ['user', 'Fail', 'runs as root'],
  },
  {
    what: 'a model was left out',
    image: async ({ config }) => ({ layers: [base, await layerOf({ 'opt/program/inference.py': '' })], config }),
    checks: requiring(`/${MODEL}`, '/opt/program/inference.py'),
    says: ['requiredPaths', 'Fail', `lacks /${MODEL}: look at COPY`],
  },
  {
    what: 'a model was deleted by a later layer',
    image: withLayers({ 'opt/ml/model/sam3/.wh.model.onnx': '' }),
    checks: requiring(`/${MODEL}`),
    says: ['requiredPaths', 'Fail', `lacks /${MODEL}`],
  },
  {
    what: 'the folder of the models was replaced by a later layer',
    image: withLayers({ 'opt/ml/model/.wh..wh..opq': '', 'opt/ml/model/readme': '' }),
    checks: requiring(`/${MODEL}`),
    says: ['requiredPaths', 'Fail', `lacks /${MODEL}`],
  },
  {
    what: 'the layer with the model is not the archive that it says it is',
    image: ({ config }) => ({ layers: [base, { ...base, ...blobOf('no archive', base.mediaType) }], config }),
    checks: requiring(`/${MODEL}`),
    says: ['requiredPaths', 'Fail', `Whether the image has /${MODEL} cannot be told: layer 2 of 2`],
  },
  {
    what: 'AWS credentials were copied along',
    image: withLayers({ 'root/.aws/credentials': '[default]' }),
    checks: forbidding('/root/.aws', '/root/.ssh'),
    says: ['forbiddenPaths', 'Fail', 'has /root/.aws: keep it out'],
  },
  {
    what: 'the repository was copied along',
    image: withLayers({ 'opt/program/.git/': '', 'opt/program/.git/HEAD': 'ref: refs/heads/main' }),
    checks: forbidding('/opt/**/.git'),
    says: ['forbiddenPaths', 'Fail', 'has /opt/**/.git'],
  },
  {
    what: 'a variable is missing',
    image: built({}),
    checks: { requiredEnv: { variables: [{ name: 'WORKERS' }] } },
    says: ['requiredEnv', 'Fail', 'does not set WORKERS'],
  },
  {
    what: 'a variable has the value of another build',
    image: variables('MODEL=clip'),
    checks: { requiredEnv: { variables: [{ name: 'MODEL', matches: '^sam' }] } },
    says: ['requiredEnv', 'Fail', 'MODEL does not match'],
  },
  {
    what: 'AWS credentials are in its environment',
    image: variables('AWS_ACCESS_KEY_ID=test', 'AWS_SECRET_ACCESS_KEY=test'),
    says: ['forbiddenEnv', 'Fail', 'sets AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'],
  },
  {
    what: 'a setting of the build stayed in its environment',
    image: variables('DEBIAN_FRONTEND=noninteractive'),
    says: ['forbiddenEnv', 'Warn', 'DEBIAN_FRONTEND, which is meant for the build'],
  },
  {
    what: 'a GitHub token is in its environment',
    image: variables(`PIP_TOKEN=${GITHUB}`),
    says: ['secrets', 'Fail', 'a GitHub token in ENV PIP_TOKEN'],
  },
  {
    what: 'an AWS key is in its history',
    image: built({
      history: [{ created_by: `RUN |1 KEY=${AWS} /bin/sh -c aws s3 cp s3://models/sam3 /opt/ml/model` }],
    }),
    says: ['secrets', 'Fail', 'an AWS access key in step 1 of the build history'],
  },
  {
    what: 'a private key is in its labels',
    image: configured({ Labels: { deploy: '-----BEGIN EC PRIVATE KEY-----' } }),
    says: ['secrets', 'Fail', 'a private key in LABEL deploy'],
  },
  {
    what: 'a token is on its command line',
    image: configured({ Entrypoint: ['server', '--token', `hf_${'a'.repeat(34)}`] }),
    says: ['secrets', 'Fail', 'a Hugging Face token in the command line'],
  },
  {
    what: 'a password is in a URL of its environment',
    image: variables('INDEX=https://build:hunter22@pypi.example/simple'),
    says: ['secrets', 'Warn', 'a password in a URL in ENV INDEX'],
  },
  {
    what: 'its CUDA does not start on the driver',
    image: variables('CUDA_VERSION=12.8.1', 'NVIDIA_REQUIRE_CUDA=cuda>=12.8 brand=tesla,driver>=535,driver<536'),
    target: ON_GPU,
    says: ['cuda', 'Fail', 'NVIDIA_REQUIRE_CUDA keeps it from starting on ml.g5.2xlarge with driver 470'],
  },
  {
    what: 'its CUDA is of a later major version than the driver',
    image: variables('CUDA_VERSION=12.4.1'),
    target: ON_GPU,
    says: ['cuda', 'Warn', 'needs driver 525, or its cuda-compat libraries'],
  },
  {
    what: 'it has more layers than can be mounted',
    image: ({ config }) => ({ layers: Array<Layer>(128).fill(base), config }),
    checks: { size: { policy: 'Enforce' } },
    says: ['size', 'Fail', '128 layers'],
  },
  {
    what: 'it is too large',
    image: ({ layers, config }) => {
      const { config: blob } = imageOf({ layers, config })
      const described = ({ mediaType, digest, bytes }: Image['config'], size = bytes.byteLength) => ({
        mediaType,
        digest,
        size,
      })
      const manifest = {
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        config: described(blob),
        layers: [base, program, base].map((layer) => described(layer, SIZES_OF_60_GB)),
      }
      return { layers, config, manifest }
    },
    checks: { size: { policy: 'Enforce' } },
    says: ['size', 'Fail', '60.0 GB in 3 layers, more than 50 GB'],
  },
  {
    what: 'it was built long ago',
    image: built({ created: '2025-01-01T00:00:00Z' }),
    checks: { age: { policy: 'Enforce', maxDays: 180 } },
    says: ['age', 'Fail', 'older than 180 days'],
  },
  {
    what: 'its tag is latest',
    image: built({}),
    tag: 'latest',
    says: ['tag', 'Warn', 'latest is moved with every build'],
  },
  {
    what: 'its tag is no version',
    image: built({}),
    tag: 'test-of-friday',
    checks: { tag: { policy: 'Enforce', matches: ['^v?[0-9]+\\.[0-9]+\\.[0-9]+$'] } },
    says: ['tag', 'Fail', 'test-of-friday matches none of'],
  },
  {
    what: 'its base image is another',
    image: async ({ config }) => ({ layers: [await layerOf({ 'etc/os-release': 'ID=alpine\n' }), program], config }),
    checks: { baseImage: { allowed: [{ name: 'debian', layers: [base.diffId] }] } },
    says: ['baseImage', 'Fail', 'not those of debian'],
  },
  {
    what: 'nobody has signed it',
    image: built({}),
    checks: signedBy(fixture('ecdsa-bundle')),
    says: ['signature', 'Fail', 'has no signature by'],
  },
]

let registry: TestRegistry
let checked: CheckIn
test.before(async () => {
  registry = await startRegistry()
  checked = checksIn(registry)
})
test.after.always(() => registry?.stop())

test('the table has a bad image for each check that an image alone can fail', (t) => {
  const failed = new Set(BAD_IMAGES.map(({ says: [name] }) => name))
  // Only Amazon ECR scans.
  t.deepEqual(
    Object.keys(imageChecks.shape).filter((name) => !failed.has(name as CheckName)),
    ['scan'],
  )
})

for (const [index, { what, image, tag = '1.0.0', checks, target, says }] of BAD_IMAGES.entries()) {
  const [name, verdict, text] = says
  test(`${name} says of an image in a registry that ${what}`, async (t) => {
    const repository = `bad/${index}`
    await push(registry, repository, imageOf(await image(GOOD)), tag)
    const results = await checked(`${repository}:${tag}`, checks, target)
    const result = results.find((one) => one.name === name)
    t.is(result?.verdict, verdict, result?.message)
    t.true(result?.message.includes(text), result?.message)
    // One thing is wrong with it, and one check says so.
    t.deepEqual(blocked(results), verdict === 'Fail' && result ? [result] : [])
  })
}

test('a good image passes every check that a registry can be asked for', async (t) => {
  await push(registry, 'good', imageOf({ ...GOOD, created: '2026-05-01T00:00:00Z' }), '1.4.0')
  const results = await checked(
    'good:1.4.0',
    {
      entrypoint: { matches: ['inference\\.py$'], doesNotMatch: ['serve\\.py'] },
      requiredPaths: { paths: [`/${MODEL}`, '/opt/ml/model/sam3'] },
      forbiddenPaths: { paths: ['/root/.aws', '/opt/program/.git'] },
      requiredEnv: { variables: [{ name: 'MODEL', matches: '^sam' }] },
      age: { maxDays: 180 },
      tag: { matches: ['^v?[0-9]+\\.'] },
      baseImage: { allowed: [{ name: 'debian', layers: [base.diffId] }] },
    },
    ON_GPU,
  )
  t.deepEqual(
    results.filter(({ verdict }) => verdict !== 'Pass').map(({ name, verdict }) => [name, verdict]),
    [['scan', 'Skipped']],
  )
})

test('an image that only has a program serve passes: it is how SageMaker’s own examples are built', async (t) => {
  const image = imageOf({
    layers: [base, await layerOf({ 'opt/program/serve': { text: '#!/bin/sh', mode: 0o755 } })],
    config: { ...GOOD_CONFIG, Entrypoint: [] },
  })
  await push(registry, 'example', image, '1.0.0')
  t.deepEqual(blocked(await checked('example:1.0.0')), [])
})

test('what cosign signed counts in a real registry, in both of its layouts, and for the index too', async (t) => {
  for (const name of ['ecdsa-bundle', 'ecdsa-simple-signing', 'rsa-bundle', 'index']) {
    const given = fixture(name)
    await pushFixture(registry, `signed/${name}`, given)
    const [result] = (await checked(`signed/${name}:1`, signedBy(given))).slice(-1)
    t.like(result, { name: 'signature', verdict: 'Pass' }, `${name}: ${result?.message}`)
  }
})

test('a signature by another key, and an attestation, do not count in a real registry', async (t) => {
  const given = fixture('rsa-bundle')
  await pushFixture(registry, 'signed/other', given)
  const [other] = (await checked('signed/other:1', signedBy(fixture('ecdsa-bundle')))).slice(-1)
  t.like(other, { name: 'signature', verdict: 'Fail' })
  t.true(other?.message.includes('has a signature, but not by'), other?.message)
  const attestation = fixture('attestation')
  await pushFixture(registry, 'signed/attestation', attestation)
  const [attested] = (await checked('signed/attestation:1', signedBy(attestation))).slice(-1)
  t.like(attested, { name: 'signature', verdict: 'Fail' })
})
