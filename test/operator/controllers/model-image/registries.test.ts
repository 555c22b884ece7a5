import test, { type ExecutionContext } from 'ava'
import { imageOf, layerOf, push } from '../../../oci-images.ts'
import { startRegistry, USER } from '../../../registry.ts'
import { cloudForFile, conditionOf, isTrue, world } from '../world.ts'
import { modelImage, reasonOf } from './support.ts'

const cloud = await cloudForFile()
test.after.always(() => cloud.stop())
const SECRETS = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true }

async function started(t: ExecutionContext, auth: Parameters<typeof startRegistry>[0]) {
  const registry = await startRegistry(auth)
  t.teardown(() => registry.stop())
  const w = await world({ intervals: { settled: 300 }, environment: { MOORING_PLAIN_HTTP_REGISTRIES: registry.host } })
  t.teardown(() => w.stop())
  const secret = (password: string) =>
    w.kube.create(
      SECRETS,
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: `registry-${password}` },
        type: 'kubernetes.io/dockerconfigjson',
        data: {
          '.dockerconfigjson': Buffer.from(
            JSON.stringify({ auths: { [registry.host]: { username: USER.name, password } } }),
          ).toString('base64'),
        },
      },
      w.namespace,
    )
  return { w, image: modelImage(w), registry, secret }
}

const sam = async (version: string) =>
  imageOf({
    layers: [await layerOf({ 'app/main.ts': `serve ${version}` })],
    config: { Entrypoint: ['node', 'main.ts'], ExposedPorts: { '8080/tcp': {} } },
  })

for (const auth of ['basic', 'token'] as const)
  test(`with ${auth} authentication, an image is read with the pull secret, and refused without it or with a wrong one`, async (t) => {
    const { w, image, registry, secret } = await started(t, { auth })
    const digest = await push(registry, 'team/sam-lite', await sam('1'), '1')
    await image.apply({ image: `${registry.host}/team/sam-lite:1` })
    const refused = await image.until('it is refused', (seen) => reasonOf(seen, 'Resolved') === 'RegistryDenied')
    t.regex(conditionOf(refused, 'Resolved')?.message ?? '', /spec\.imagePullSecrets/)

    await image.patch({ imagePullSecrets: [{ name: 'absent' }] })
    const missing = await image.until('no secret', (seen) => reasonOf(seen, 'Resolved') === 'PullSecretMissing')
    t.regex(conditionOf(missing, 'Resolved')?.message ?? '', /kubectl create secret docker-registry/)

    await secret('wrong')
    await image.patch({ imagePullSecrets: [{ name: 'registry-wrong' }] })
    await image.until('a wrong password', (seen) => reasonOf(seen, 'Resolved') === 'RegistryDenied')

    await secret(USER.password)
    await image.patch({ imagePullSecrets: [{ name: `registry-${USER.password}` }] })
    const seen = await image.until('Ready', (now) => isTrue(now, 'Ready'))
    t.is(seen.status?.image, `${registry.host}/team/sam-lite@${digest}`)
    t.notRegex(JSON.stringify([seen, await w.events()]), new RegExp(`"${USER.password}"`))
  })

test('SageMaker pulls from Amazon ECR alone: an endpoint with an image elsewhere is refused, and the image proven nevertheless', async (t) => {
  const { w, image, registry } = await started(t, { auth: 'none' })
  await push(registry, 'sam-lite', await sam('1'), '1.0.0', 'latest')
  await image.apply({ image: `${registry.host}/sam-lite`, update: '1.x' })
  await image.until('Ready', (now) => isTrue(now, 'Ready'))
  await w.apply({ withoutImage: true })
  await w.until('the refusal', (seen) => conditionOf(seen, 'ImageReady')?.reason === 'RegistryNotSupported')
  t.is((await w.calls()).CreateModel, undefined)
})

test('layers that are new are told from those that were there', async (t) => {
  const { image, registry } = await started(t, { auth: 'none' })
  const base = await layerOf({ 'usr/bin/node': 'x'.repeat(5_000) })
  const of = async (version: string) =>
    imageOf({
      layers: [base, await layerOf({ 'app/main.ts': version })],
      config: { Entrypoint: ['node', 'main.ts'], ExposedPorts: { '8080/tcp': {} } },
    })
  await push(registry, 'sam-lite', await of('one'), '1')
  await image.apply({ image: `${registry.host}/sam-lite:1` })
  await image.until('Ready', (now) => isTrue(now, 'Ready'))
  const digest = await push(registry, 'sam-lite', await of('two'), '1')
  await image.look()
  const { status } = await image.until('the second', (now) => now.status?.digest === digest)
  t.like(status?.history?.[0], { digest, outcome: 'InUse', layers: 2, newLayers: 1 })
})

test('a registry that does not answer leaves the image in use, and is asked again', async (t) => {
  const { w, image, registry } = await started(t, { auth: 'none' })
  await push(registry, 'sam-lite', await sam('1'), '1')
  await image.apply({ image: `${registry.host}/sam-lite:1` })
  const before = await image.until('Ready', (now) => isTrue(now, 'Ready'))
  await registry.stop()
  await w.restart()
  await image.patch({ resolveIntervalSeconds: 600 })
  const after = await image.until('a look', (now) => conditionOf(now, 'Ready')?.status === 'Unknown')
  t.is(after.status?.digest, before.status?.digest)
  t.is(conditionOf(after, 'Resolved')?.status, 'True')
})
