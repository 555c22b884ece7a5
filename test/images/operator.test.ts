import { readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { CreateTopicCommand } from '@aws-sdk/client-sns'
import ava, { type ExecutionContext, type TestFn } from 'ava'
import { parse } from 'yaml'
import { clients } from '../../demo/aws.ts'
import { BUCKET } from '../../demo/steps/context.ts'
import { putRequest } from '../../demo/steps/segment.ts'
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts'
import { resolveTool } from '../tools.ts'
import { build, buildFrom, configOf, INFERENCE_SERVER_IMAGE, OPERATOR_IMAGE, REPOSITORY } from './build.ts'
import { NODE_ADDRESS, nodeCluster } from './cluster.ts'
import { CONTAINER_SECURITY, type Namespace, namespace, POD_SECURITY } from './pods.ts'
import { run } from './process.ts'
import { relay } from './relay.ts'

const SAMPLES = join(REPOSITORY, 'samples', 'segment')
const BAKED_IMAGE = 'localhost/mooring-sam-lite:test'
const RELEASE = 'mooring'

type Context = {
  /** Where the operator runs, and where the objects are that it watches. */
  system: Namespace
  vision: Namespace
  cloud: LocalCloud
}
const test = ava as TestFn<Context>
const undo: (() => Promise<unknown>)[] = []

/** The whole way of a user: images built and loaded, a cloud, the chart installed. The tests below go on from there, one after the other. */
test.before('the operator is installed by its chart', async (t) => {
  const cluster = nodeCluster()
  await build('operator', OPERATOR_IMAGE)
  await build('inference-server', INFERENCE_SERVER_IMAGE)
  await buildFrom(
    join(SAMPLES, 'Dockerfile'),
    join(REPOSITORY, 'inference-server', 'models', 'sam-lite'),
    BAKED_IMAGE,
    {
      INFERENCE_SERVER: INFERENCE_SERVER_IMAGE,
    },
  )
  await cluster.load(OPERATOR_IMAGE)
  await cluster.load(BAKED_IMAGE)

  let port = 0
  const toCloud = await relay(NODE_ADDRESS, () => ({ host: '127.0.0.1', port }))
  undo.push(() => toCloud.stop())
  const address = `http://${NODE_ADDRESS}:${toCloud.port}`
  const cloud = await startLocalCloud({
    advertisedUrl: address,
    delays: { creating: 0, updating: 0, deleting: 0, instanceStart: 0 },
  })
  undo.push(() => cloud.stop())
  port = cloud.port

  const system = await namespace(cluster, 'mooring-system')
  undo.push(() => system.remove())
  const vision = await namespace(cluster, 'vision')
  undo.push(() => vision.remove())

  const program = await resolveTool('helm')
  const helm = (...args: string[]) =>
    run(program, ['--kubeconfig', cluster.kubeconfigPath, '--namespace', system.name, ...args])
  const values = join(tmpdir(), `${system.name}.json`)
  // A cluster that was there already may have the definitions, of another's release.
  const definitions = await cluster.kubectl('get', 'crd', '-o', 'name')
  const ours = !definitions.includes('mooring.dev')
  if (!ours) await cluster.kubectl('apply', '--server-side', '--force-conflicts', '-f', join(REPOSITORY, 'crds'))
  await writeFile(
    values,
    JSON.stringify({
      image: { repository: OPERATOR_IMAGE.split(':')[0], tag: OPERATOR_IMAGE.split(':')[1], pullPolicy: 'Never' },
      watchNamespace: vision.name,
      crds: { install: ours, keep: false },
      operator: {
        env: Object.entries({
          ...cloud.environment,
          AWS_ENDPOINT_URL: address,
          MOORING_POLL_IN_FLIGHT_SECONDS: '1',
          MOORING_POLL_DELETING_SECONDS: '1',
        }).map(([name, value]) => ({ name, value })),
      },
    }),
  )
  undo.push(() => rm(values))
  undo.push(() => helm('uninstall', RELEASE, '--wait'))
  await helm('install', RELEASE, join(REPOSITORY, 'charts', 'mooring'), '--values', values)
  // While the operator is there to let go of them.
  undo.push(() => vision.kubectl('delete', 'asyncinferenceendpoints,modelimages', '--all', '--timeout=120s'))
  t.context = { system, vision, cloud }
})

test.after.always('everything is removed, the last first', async () => {
  for (const step of undo.reverse()) await step().catch((error: unknown) => console.error(error))
})

/** The operator's only Pod, once it is Ready and not on its way out. */
async function operatorPod(system: Namespace): Promise<string> {
  const { metadata } = await system.until('the operator has one Pod', async () => {
    const pods = await system.list('pod', `app.kubernetes.io/instance=${RELEASE}`)
    const living = pods.filter((pod) => !pod.metadata.deletionTimestamp)
    return living.length === 1 && living[0]
  })
  await system.podIsReady(metadata.name)
  return metadata.name
}

async function leader(system: Namespace): Promise<string> {
  const { items } = JSON.parse(await system.kubectl('get', 'lease', '-o', 'json')) as {
    items: { spec?: { holderIdentity?: string } }[]
  }
  return items[0]?.spec?.holderIdentity ?? ''
}

async function isReady(t: ExecutionContext<Context>, kind: string, name: string) {
  const { vision } = t.context
  let last = ''
  return vision
    .until(`${kind} ${name} is Ready`, async () => {
      const seen = await vision.get(kind, name)
      last = JSON.stringify(seen.status?.conditions, null, 1)
      return seen.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') && seen
    })
    .catch((error: unknown) => {
      throw new Error(`${kind} ${name}: ${last}`, { cause: error })
    })
}

test.serial(
  'its Pod becomes Ready and holds the lease, as a user that is not root and can write nowhere',
  async (t) => {
    const { system } = t.context
    const pod = await operatorPod(system)
    const holder = await system.until('the lease is held', async () => (await leader(system)) || undefined)
    t.true(holder.startsWith(`${pod}_`), holder)
    const user = await system.kubectl('exec', pod, '--', 'node', '-p', 'process.getuid() + ":" + process.getgid()')
    t.is(user.trim(), '65532:65532')
    for (const folder of ['/app', '/tmp']) {
      const program = `require("fs").writeFileSync(${JSON.stringify(`${folder}/a`)}, "")`
      const write = await t.throwsAsync(system.kubectl('exec', pod, '--', 'node', '-e', program))
      t.regex(write?.message ?? '', /EROFS/)
    }
    const [, ...check] = (await configOf(OPERATOR_IMAGE)).Healthcheck?.Test ?? []
    await t.notThrowsAsync(system.kubectl('exec', pod, '--', ...check), 'the health check passes in the container')
  },
)

test.serial(
  'a ModelImage and an AsyncInferenceEndpoint become Ready: the smoke test is answered by the image itself, in a Pod',
  async (t) => {
    const { vision, cloud } = t.context
    await vision.apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'instance' },
      spec: {
        securityContext: POD_SECURITY,
        containers: [
          {
            name: 'server',
            image: BAKED_IMAGE,
            imagePullPolicy: 'Never',
            args: ['serve'],
            securityContext: CONTAINER_SECURITY,
            readinessProbe: { httpGet: { path: '/ping', port: 8080 }, periodSeconds: 1, timeoutSeconds: 2 },
          },
        ],
      },
    })
    const { status } = await vision.podIsReady('instance')
    // The local cloud's instances answer on loopback.
    const toInstance = await relay('127.0.0.1', () => ({ host: status?.podIP ?? '', port: 8080 }))
    undo.push(() => toInstance.stop())

    const config = await configOf(BAKED_IMAGE)
    cloud.registerImage({
      repository: 'sam-lite',
      tag: '1.0.0',
      command: [],
      port: toInstance.port,
      entrypoint: config.Entrypoint,
      labels: config.Labels,
    })
    const aws = clients(cloud.url, 'us-east-1')
    await aws.s3.send(new CreateBucketCommand({ Bucket: BUCKET }))
    for (const Name of ['segment-success', 'segment-error']) await aws.sns.send(new CreateTopicCommand({ Name }))
    await putRequest(aws, 'smoke-test/input.json')

    for (const file of ['model-image.yaml', 'async-inference-endpoint.yaml']) {
      const sample = parse(await readFile(join(SAMPLES, file), 'utf8'))
      await vision.apply({ ...sample, metadata: { ...sample.metadata, namespace: vision.name } })
    }
    const image = await isReady(t, 'modelimage', 'sam-lite')
    t.regex(String(image.status?.digest), /^sha256:[0-9a-f]{64}$/)
    const endpoint = await isReady(t, 'asyncinferenceendpoint', 'segment')
    t.is(endpoint.status?.image, image.status?.image)
    const smokeTest = endpoint.status?.conditions?.find(({ type }) => type === 'SmokeTestPassed')
    t.is(smokeTest?.status, 'True', smokeTest?.message)
    const served = await vision.kubectl('logs', 'instance')
    t.regex(served, /"Task":"segment","Status":200/, 'the container answered')
  },
)

test.serial(
  'when its Pod is deleted, it ends by itself with 0, and the next one takes the lease and goes on',
  async (t) => {
    const { system } = t.context
    const first = await operatorPod(system)
    const end = await system.stopped(first)
    t.log(`ended ${end.seconds.toFixed(1)} s after it was asked to`)
    t.like(end, { exitCode: 0, reason: 'Completed' })
    const second = await operatorPod(system)
    t.not(second, first)
    await system.until('the lease is the second one’s', async () => (await leader(system)).startsWith(`${second}_`))
    await isReady(t, 'asyncinferenceendpoint', 'segment')

    const logs = (await system.kubectl('logs', second)).trim().split('\n')
    const problems = logs.filter((line) => (JSON.parse(line) as { level: number }).level >= 50)
    t.deepEqual(problems, [], 'nothing that it may not do, and nothing that fails')
  },
)

test.serial('what is deleted in the cluster is gone in AWS', async (t) => {
  const { vision, cloud } = t.context
  await vision.kubectl('delete', 'asyncinferenceendpoint', 'segment', '--timeout=120s')
  await vision.kubectl('delete', 'modelimage', 'sam-lite', '--timeout=60s')
  const { sagemaker } = cloud.state() as {
    sagemaker?: { endpoints?: unknown[]; endpointConfigs?: unknown[]; models?: unknown[] }
  }
  t.deepEqual([sagemaker?.endpoints, sagemaker?.endpointConfigs, sagemaker?.models], [[], [], []])
})
