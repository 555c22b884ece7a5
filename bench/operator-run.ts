import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../demo/local-cloud.ts'
import { type Processes, processes } from '../demo/processes.ts'
import type { ControlPlane } from '../local/control-plane/control-plane.ts'
import { ASYNC_INFERENCE_ENDPOINTS, MODEL_IMAGES } from '../operator/api/names.ts'
import { connect, type KubeClient } from '../operator/kube/client.ts'
import type { KubeObject } from '../operator/kube/types.ts'

const ROOT = join(import.meta.dirname, '..')
const NAMESPACE = 'default'
/** The tag by which an AWS resource names its object. */
const NAME_TAG = 'mooring.dev/name'
/** kubectl apply and Argo CD send some objects at a time too. */
const PARALLEL_APPLIES = 20
const LIMIT_MS = 15 * 60_000
/** In the idle window the operator's clock of polls runs this much faster, so that one hour of polls passes in a minute. */
const IDLE_SPEED = 60
const HOUR_MS = 3_600_000
/** As the image's entry point has them. */
const NODE_FLAGS = ['--max-semi-space-size=4', '--max-old-space-size=256']

export type Measured = {
  size: number
  /** For each object: from when it was sent to when its endpoint was created, in ms, ascending. */
  applyToCreateMs: number[]
  /** From the first object sent to the last one Ready, in seconds. */
  convergeSeconds: number
  callsPerEndpoint: number
  callsByOperation: Map<string, number>
  callsPerIdleEndpointHour: number
  idleCallsByOperation: Map<string, number>
  rssMiB: number
  /** User and system, until converged. */
  cpuSeconds: number
}

type Call = { service: string; operation: string }
type CreatedEndpoint = { CreationTime: string; Tags: { Key: string; Value: string }[] }
type Options = { size: number; plane: ControlPlane; directory: string; note: (text: string) => void }

/** Starts cloud and operator as processes of their own, applies `size` endpoints, and watches. */
export async function measure({ size, plane, directory, note }: Options): Promise<Measured> {
  const children = await processes(join(directory, String(size)))
  try {
    const cloud = await startCloud(children)
    // What the objects name as their output; unsigned requests for a bucket are S3's.
    await fetch(`${cloud.url}/bench`, { method: 'PUT' })
    const kube = connect({ kubeconfigPath: plane.kubeconfigPath })
    let operator = await startOperator(children, plane, cloud.url, {})
    await kube.create(MODEL_IMAGES, modelImage(), NAMESPACE)
    await ready(kube, 1, 'ModelImage', children, note)
    await cloud.reset()

    const started = Date.now()
    const cpuBefore = await cpuSeconds(operator.pid)
    const sent = await apply(kube, size)
    await ready(kube, size, 'AsyncInferenceEndpoint', children, note)
    const convergeSeconds = (Date.now() - started) / 1000
    const cpu = (await cpuSeconds(operator.pid)) - cpuBefore
    const rssMiB = await rss(operator.pid)
    const calls = await cloud.calls()
    const created = await cloud.created()
    if (created.size !== size) throw new Error(`${created.size} endpoints were created for ${size} objects`)

    note('an hour of idle polls, at sixty times the pace')
    await operator.stop()
    operator = await startOperator(children, plane, cloud.url, {
      MOORING_POLL_SETTLED_SECONDS: String(300 / IDLE_SPEED),
      MOORING_VERIFY_SECONDS: String(3600 / IDLE_SPEED),
    })
    // A restarted operator looks at everything once; that is not idling.
    await delay((2 * 300_000) / IDLE_SPEED)
    await cloud.reset()
    await delay(HOUR_MS / IDLE_SPEED)
    const idle = await cloud.calls()
    return {
      size,
      applyToCreateMs: [...created].map(([name, at]) => at - (sent.get(name) ?? Number.NaN)).sort((a, b) => a - b),
      convergeSeconds,
      callsPerEndpoint: calls.length / size,
      callsByOperation: counted(calls),
      callsPerIdleEndpointHour: idle.length / size,
      idleCallsByOperation: counted(idle),
      rssMiB,
      cpuSeconds: cpu,
    }
  } finally {
    await children.stop()
  }
}

async function startCloud(children: Processes) {
  const port = await freePort()
  children.start('local-cloud', [join(ROOT, 'local', 'main.ts'), '--port', String(port), '--instant'], {})
  const url = `http://127.0.0.1:${port}`
  await answering(`${url}/_local/health`, children)
  const image = { repository: 'bench', tag: '1', command: [] }
  await fetch(`${url}/_local/images`, { method: 'POST', body: JSON.stringify(image) })
  return {
    url,
    reset: async () => void (await fetch(`${url}/_local/calls`, { method: 'DELETE' })),
    calls: async () => (await (await fetch(`${url}/_local/calls`)).json()) as Call[],
    /** When each object's endpoint was created, in ms since the epoch: the cloud's clock is the machine's own here. */
    created: async () => {
      const state = (await (await fetch(`${url}/_local/state`)).json()) as {
        sagemaker: { endpoints: CreatedEndpoint[] }
      }
      return new Map(
        state.sagemaker.endpoints.map(({ CreationTime, Tags }) => [
          Tags.find((tag) => tag.Key === NAME_TAG)?.Value ?? '',
          Date.parse(CreationTime),
        ]),
      )
    },
  }
}

/** With production's own settings, but for what is given. */
async function startOperator(
  children: Processes,
  plane: ControlPlane,
  cloudUrl: string,
  settings: Record<string, string>,
) {
  const port = await freePort()
  const child = children.start(`operator-${port}`, [...NODE_FLAGS, join(ROOT, 'operator', 'main.ts')], {
    KUBECONFIG: plane.kubeconfigPath,
    AWS_ENDPOINT_URL: cloudUrl,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    MOORING_HTTP_ADDRESS: '127.0.0.1',
    MOORING_HTTP_PORT: String(port),
    ...settings,
  })
  await answering(`http://127.0.0.1:${port}/readyz`, children)
  return {
    pid: child.pid ?? 0,
    stop: () =>
      new Promise<void>((resolve) => {
        child.once('exit', () => {
          children.forget(child)
          resolve()
        })
        child.kill('SIGTERM')
      }),
  }
}

async function answering(url: string, children: Processes): Promise<void> {
  for (const end = Date.now() + LIMIT_MS; Date.now() < end; await delay(50)) {
    children.check()
    const response = await fetch(url).catch(() => undefined)
    if (response?.ok) return
  }
  throw new Error(`${url} did not answer`)
}

/** Answers when each object was sent, by name. */
async function apply(kube: KubeClient, size: number): Promise<Map<string, number>> {
  const sent = new Map<string, number>()
  let next = 0
  const send = async () => {
    for (let index = next++; index < size; index = next++) {
      const object = endpoint(index)
      sent.set(object.metadata.name, Date.now())
      await kube.create(ASYNC_INFERENCE_ENDPOINTS, object, NAMESPACE)
    }
  }
  await Promise.all(Array.from({ length: Math.min(PARALLEL_APPLIES, size) }, send))
  return sent
}

async function ready(
  kube: KubeClient,
  size: number,
  kind: string,
  children: Processes,
  note: (text: string) => void,
): Promise<void> {
  const resource = kind === 'ModelImage' ? MODEL_IMAGES : ASYNC_INFERENCE_ENDPOINTS
  type Seen = KubeObject<unknown, { conditions?: { type: string; status: string }[] }>
  for (const end = Date.now() + LIMIT_MS; Date.now() < end; await delay(size > 100 ? 1000 : 50)) {
    children.check()
    const { items } = await kube.list<Seen>(resource, { namespace: NAMESPACE })
    const count = items.filter((item) =>
      item.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
    ).length
    const tenths = Math.floor((10 * count) / size)
    if (size > 1) note(`${tenths * 10} % of ${size} Ready`)
    if (count >= size) return
  }
  throw new Error(`not all of ${size} ${kind}s became Ready`)
}

function modelImage() {
  return {
    apiVersion: 'mooring.dev/v1alpha1',
    kind: 'ModelImage',
    metadata: { name: 'bench', namespace: NAMESPACE },
    spec: { image: '123456789012.dkr.ecr.us-east-1.amazonaws.com/bench:1', resolveIntervalSeconds: 86_400 },
  }
}

function endpoint(index: number) {
  return {
    apiVersion: 'mooring.dev/v1alpha1',
    kind: 'AsyncInferenceEndpoint',
    metadata: { name: `bench-${index}`, namespace: NAMESPACE },
    spec: {
      region: 'us-east-1',
      executionRoleArn: 'arn:aws:iam::123456789012:role/execution',
      imageRef: { name: 'bench' },
      instance: { type: 'ml.g5.2xlarge' },
      async: { output: { s3OutputPath: 's3://bench/output/' } },
      scaling: { minInstances: 0, maxInstances: 3 },
      // Half an hour of the idle window's clock; nothing is unhealthy here.
      recovery: { unhealthyAfterSeconds: 1800 / IDLE_SPEED },
    },
  }
}

function counted(calls: Call[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { service, operation } of calls) {
    const name = `${service}.${operation}`
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}

async function rss(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024
}

/** From /proc/<pid>/stat, fields 14 and 15, in clock ticks of 1/100 s (proc_pid_stat(5)). */
async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}
