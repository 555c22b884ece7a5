import { chmod, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ava, { type TestFn } from 'ava'
import sharp from 'sharp'
import { intersectionOverUnion, photoScene } from '../../inference-server/models/evaluate.ts'
import { build, buildFrom, configOf, INFERENCE_SERVER_IMAGE, REPOSITORY } from './build.ts'
import { nodeCluster } from './cluster.ts'
import { CONTAINER_SECURITY, type Namespace, namespace, POD_SECURITY } from './pods.ts'

const MODEL = join(REPOSITORY, 'inference-server', 'models', 'sam-lite')
const BAKED_IMAGE = 'localhost/mooring-sam-lite:test'

type Context = { space: Namespace; mounting: Namespace; modelFolder: string }
const test = ava as TestFn<Context>

/** A Pod as SageMaker would start the image: the argument `serve`, nothing to write on. */
function pod(name: string, image: string, more: { volumeMounts?: object[]; volumes?: object[] } = {}) {
  const { volumeMounts = [], volumes = [] } = more
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: POD_SECURITY,
      containers: [
        {
          name: 'server',
          image,
          imagePullPolicy: 'Never',
          args: ['serve'],
          securityContext: CONTAINER_SECURITY,
          ports: [{ containerPort: 8080 }],
          readinessProbe: { httpGet: { path: '/ping', port: 8080 }, periodSeconds: 1, timeoutSeconds: 2 },
          volumeMounts,
        },
      ],
      volumes,
    },
  }
}

test.before('the image is built, with and without a model, and loaded', async (t) => {
  const cluster = nodeCluster()
  await build('inference-server', INFERENCE_SERVER_IMAGE)
  await buildFrom(join(REPOSITORY, 'samples', 'segment', 'Dockerfile'), MODEL, BAKED_IMAGE, {
    INFERENCE_SERVER: INFERENCE_SERVER_IMAGE,
  })
  await cluster.load(INFERENCE_SERVER_IMAGE)
  await cluster.load(BAKED_IMAGE)
  // As SageMaker unpacks a model.tar.gz: files of root's that everybody may read.
  const modelFolder = await mkdtemp(join(tmpdir(), 'mooring-model-'))
  await cp(MODEL, modelFolder, { recursive: true })
  await chmod(modelFolder, 0o755)
  t.context = {
    space: await namespace(cluster, 'inference-server'),
    mounting: await namespace(cluster, 'inference-server-mounting', 'privileged'),
    modelFolder,
  }
})

test.after.always('what was started is removed', async (t) => {
  await t.context.space?.remove()
  await t.context.mounting?.remove()
  if (t.context.modelFolder) await rm(t.context.modelFolder, { recursive: true, force: true })
})

/** Sends the photograph and answers how well the mask fits the one drawn by hand. */
async function segment(address: string): Promise<{ status: number; iou: number }> {
  const { jpeg, mask, prompt } = await photoScene()
  const response = await fetch(`http://${address}:8080/invocations`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ task: 'segment', image: Buffer.from(jpeg).toString('base64'), ...prompt }),
  })
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
  const answer = (await response.json()) as { mask: string }
  const { data, info } = await sharp(Buffer.from(answer.mask, 'base64'))
    .extractChannel(0)
    .raw()
    .toBuffer({ resolveWithObject: true })
  if (info.width !== mask.width || info.height !== mask.height)
    throw new Error(`a mask of ${info.width} × ${info.height}`)
  return { status: response.status, iou: intersectionOverUnion(data, mask.pixels) }
}

/** The exit code of a Pod's container, once there is one. */
async function ended(space: Namespace, name: string): Promise<number> {
  const { exitCode } = await space.until(`the container of ${name} ended`, async () => {
    const [status] = (await space.get('pod', name)).status?.containerStatuses ?? []
    return status?.state.terminated
  })
  return exitCode
}

/** Waits until the last line that the container wrote matches: the node takes its output over a moment after its end. */
async function lastLineMatches(space: Namespace, name: string, pattern: RegExp): Promise<void> {
  let log = ''
  await space
    .until(`the last line of ${name}`, async () => {
      log = await space.kubectl('logs', name)
      return pattern.test(log.trim().split('\n').at(-1) ?? '')
    })
    .catch((cause) => {
      throw new Error(`the last line does not match ${pattern}: ${log}`, { cause })
    })
}

test('without a model, the container ends by itself and its last line says what is missing', async (t) => {
  const { space } = t.context
  await space.apply(pod('no-model', INFERENCE_SERVER_IMAGE))
  t.is(await ended(space, 'no-model'), 1)
  await lastLineMatches(space, 'no-model', /\/opt\/ml\/model/)
})

test('with a model baked in: it answers /ping, segments the photograph, may write nowhere, is not root, and stops when told', async (t) => {
  const { space } = t.context
  await space.apply(pod('baked', BAKED_IMAGE))
  const { status } = await space.podIsReady('baked')
  const address = status?.podIP ?? ''

  const ping = await fetch(`http://${address}:8080/ping`)
  t.is(ping.status, 200)
  const { iou } = await segment(address)
  t.log(`IoU ${iou.toFixed(3)}`)
  t.true(iou > 0.8, `IoU ${iou}`)

  const { Healthcheck } = await configOf(BAKED_IMAGE)
  const [, ...check] = Healthcheck?.Test ?? []
  await t.notThrowsAsync(space.kubectl('exec', 'baked', '--', ...check), 'the health check passes in the container')
  const user = await space.kubectl('exec', 'baked', '--', 'node', '-p', 'process.getuid()')
  t.is(user.trim(), '65532')
  const write = await t.throwsAsync(
    space.kubectl('exec', 'baked', '--', 'node', '-e', 'require("fs").writeFileSync("/tmp/a", "")'),
  )
  t.regex(write?.message ?? '', /EROFS/)

  const lines = (await space.kubectl('logs', 'baked')).trim().split('\n')
  t.deepEqual(
    lines.filter((line) => !line.startsWith('{"level":30,')),
    [],
    'no warnings, and none of onnxruntime’s telemetry',
  )

  const end = await space.stopped('baked')
  t.log(`ended ${end.seconds.toFixed(1)} s after it was asked to`)
  t.like(end, { exitCode: 0, reason: 'Completed' }, 'drained and ended by itself; 137 would be SIGKILL')
})

test('with a model where SageMaker unpacks ModelDataUrl, read-only: it segments the photograph', async (t) => {
  const { mounting: space, modelFolder } = t.context
  const mounted = pod('mounted', INFERENCE_SERVER_IMAGE, {
    volumeMounts: [{ name: 'model', mountPath: '/opt/ml/model', readOnly: true }],
    volumes: [{ name: 'model', hostPath: { path: modelFolder, type: 'Directory' } }],
  })
  await space.apply(mounted)
  const { status } = await space.podIsReady('mounted')
  const { iou } = await segment(status?.podIP ?? '')
  t.true(iou > 0.8, `IoU ${iou}`)
})

test('with a model that root alone may read, the container ends and its last line names the folder', async (t) => {
  const { mounting: space } = t.context
  const closed = await mkdtemp(join(tmpdir(), 'mooring-closed-model-'))
  t.teardown(() => rm(closed, { recursive: true, force: true }))
  await space.apply(
    pod('closed', INFERENCE_SERVER_IMAGE, {
      volumeMounts: [{ name: 'model', mountPath: '/opt/ml/model', readOnly: true }],
      volumes: [{ name: 'model', hostPath: { path: closed, type: 'Directory' } }],
    }),
  )
  t.is(await ended(space, 'closed'), 1)
  await lastLineMatches(space, 'closed', /the model directory \/opt\/ml\/model cannot be read/)
})

test('models that it cannot serve end it with a line that says why', async (t) => {
  const { mounting: space, modelFolder } = t.context
  const broken = join(modelFolder, '..', `${modelFolder.split('/').at(-1)}-broken`)
  await cp(MODEL, broken, { recursive: true })
  t.teardown(() => rm(broken, { recursive: true, force: true }))
  await writeFile(join(broken, 'decoder.onnx'), (await readFile(join(MODEL, 'decoder.onnx'))).subarray(0, 1000))
  await space.apply(
    pod('broken', INFERENCE_SERVER_IMAGE, {
      volumeMounts: [{ name: 'model', mountPath: '/opt/ml/model', readOnly: true }],
      volumes: [{ name: 'model', hostPath: { path: broken, type: 'Directory' } }],
    }),
  )
  t.is(await ended(space, 'broken'), 1)
  await lastLineMatches(space, 'broken', /decoder\.onnx/)
})
