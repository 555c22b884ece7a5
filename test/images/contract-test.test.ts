import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import type { ContractTestInput, ContractTestStatus } from '../../operator/api/contract-test.ts'
import type { ModelImage } from '../../operator/api/model-image.ts'
import { API_VERSION, MODEL_IMAGES } from '../../operator/api/names.ts'
import type { ContractTestAnswer } from '../../operator/controllers/model-image/contract-test/answer.ts'
import { contractTestStep } from '../../operator/controllers/model-image/contract-test/step.ts'
import { connect } from '../../operator/kube/client.ts'
import { patchStatusIfChanged } from '../../operator/kube/status.ts'
import { build, buildFrom, REPOSITORY } from './build.ts'
import { nodeCluster } from './cluster.ts'

/** Mooring's own image, which holds the probe. Its name is this file's: other files load theirs. */
const PROBE_IMAGE = 'localhost/mooring-operator:contract-test'
const MODEL_REPOSITORY = 'localhost/mooring-contract-model'
/** A hang detector, not a measure. */
const LIMIT_MS = 5 * 60_000

const cluster = nodeCluster()
const kube = connect({ kubeconfigPath: cluster.kubeconfigPath })
const namespace = `contract-test-${Date.now().toString(36)}`
let reference = ''

test.before('build the probe and a model image, and load both into the node', async () => {
  await build('operator', PROBE_IMAGE)
  const context = join(import.meta.dirname, 'contract-model')
  const tag = `${MODEL_REPOSITORY}:test`
  await buildFrom(join(context, 'Containerfile'), context, tag, { FROM_IMAGE: PROBE_IMAGE })
  await cluster.load(PROBE_IMAGE)
  await cluster.load(tag)
  reference = await cluster.pin(tag)
  await cluster.kubectl('apply', '--server-side', '--force-conflicts', '-f', join(REPOSITORY, 'crds'))
  await cluster.kubectl('wait', '--for=condition=Established', '--timeout=60s', 'crd/modelimages.mooring.dev')
  await cluster.kubectl('create', 'namespace', namespace)
})

test.after.always('take the namespace away', async () => {
  await cluster.kubectl('delete', 'namespace', namespace, '--ignore-not-found', '--wait=false')
})

const ONE_CAT = {
  name: 'one-cat',
  input: { inline: '{"image": 1}' },
  expect: { contentType: 'application/json', jsonPath: [{ path: '$.label', equals: 'cat' }] },
}

/** Applies a ModelImage, and goes on as the operator's passes do until there is a verdict. */
async function verdictOn(
  t: ExecutionContext,
  name: string,
  contractTest: ContractTestInput,
  {
    reference: image = reference,
    eachPass,
  }: { reference?: string; eachPass?: (answer: ContractTestAnswer) => Promise<void> } = {},
) {
  await kube.create(
    MODEL_IMAGES,
    {
      apiVersion: API_VERSION,
      kind: 'ModelImage',
      metadata: { name, namespace },
      spec: { image: '123456789012.dkr.ecr.us-east-1.amazonaws.com/model:1', contractTest },
    },
    namespace,
  )
  const messages: string[] = []
  for (const end = Date.now() + LIMIT_MS; Date.now() < end; ) {
    const object = await kube.get<ModelImage>(MODEL_IMAGES, { namespace, name })
    const before = structuredClone(object.status ?? {})
    const answer = await contractTestStep({
      kube,
      object,
      image: { reference: image, digest: image.split('@')[1] ?? '' },
      imagePullSecrets: [],
      config: { image: PROBE_IMAGE, pullPolicy: 'Never' },
      now: new Date(),
    })
    object.status = { ...object.status, ...(answer.status ? { contractTest: answer.status } : {}) }
    await patchStatusIfChanged(kube, MODEL_IMAGES, before, object)
    if (answer.message !== messages.at(-1)) messages.push(answer.message)
    await eachPass?.(answer)
    if (answer.state !== 'pending') {
      t.log(`${answer.state}: ${answer.message}`)
      t.log(timings(answer.status))
      t.log(`the last line: ${answer.status?.logTail?.at(-1)}`)
      return { answer, status: answer.status, messages }
    }
    await delay(Math.min(answer.after ?? 1000, 1000))
  }
  throw new Error(
    `no verdict within ${LIMIT_MS} ms: ${messages.join(' | ')}; ${await cluster.kubectl('describe', 'pods', '-n', namespace)}`,
  )
}

function timings(status: ContractTestStatus | undefined): string {
  const whole = Date.parse(status?.finishedAt ?? '') - Date.parse(status?.startedAt ?? '')
  return [
    ...(status?.phases ?? []).map((phase) => `${phase.name} ${phase.verdict} ${phase.milliseconds ?? '-'} ms`),
    `whole ${whole} ms`,
  ].join(', ')
}

const verdicts = (status: ContractTestStatus | undefined) => status?.phases?.map(({ name, verdict }) => [name, verdict])

async function nothingIsLeft(t: ExecutionContext, name: string) {
  const left = await cluster.kubectl('get', 'jobs,networkpolicies', '-n', namespace, '-o', 'name')
  t.false(left.includes(name), left)
}

test('a good image passes: pings, sample requests, a file that is mounted, SIGTERM; and nothing is left of its Job', async (t) => {
  await cluster.kubectl('create', 'configmap', 'samples', '-n', namespace, `--from-literal=cat.bin=${'x'.repeat(1000)}`)
  const { answer, status } = await verdictOn(t, 'good', {
    isolation: false,
    modelData: { empty: true },
    invocations: [
      ONE_CAT,
      {
        name: 'thousand-bytes',
        input: { configMapKeyRef: { name: 'samples', key: 'cat.bin' } },
        expect: {
          jsonPath: [
            { path: '$.bytes', equals: '1000' },
            { path: '$.writable', equals: 'EROFS' },
          ],
        },
      },
      { name: 'binary', input: { base64: '/wD+' }, expect: { jsonPath: [{ path: '$.bytes', equals: '3' }] } },
    ],
  })
  t.is(answer.state, 'passed', answer.message)
  t.deepEqual(
    verdicts(status),
    ['schedule', 'pull', 'ping', 'one-cat', 'thousand-bytes', 'binary', 'terminate'].map((name) => [name, 'Pass']),
  )
  t.regex(status?.logTail?.[0] ?? '', /^started with serve as user 0/)
  t.is(status?.logTail?.at(-1), 'SIGTERM')
  await nothingIsLeft(t, 'good')
})

test('an image is cut off from the network, or it is said that the cluster does not do it', async (t) => {
  const { answer, status } = await verdictOn(t, 'isolated', {})
  t.is(answer.state, 'passed', answer.message)
  const isolation = status?.phases?.find(({ name }) => name === 'isolation')
  // The network plugin of this cluster is a bridge, which knows no policies.
  t.is(isolation?.verdict, 'Warn')
  t.regex(isolation?.message ?? '', /does not enforce NetworkPolicies/)
  await nothingIsLeft(t, 'isolated')
})

for (const [behaviour, title, block, says, phases] of [
  [
    'stubborn',
    'ignores SIGTERM',
    {},
    /terminate: It had not exited 30 s after SIGTERM and was killed/,
    [
      ['ping', 'Pass'],
      ['one-cat', 'Pass'],
      ['terminate', 'Fail'],
    ],
  ],
  [
    'deaf',
    'never answers /ping with 200',
    { pingTimeoutSeconds: 10 },
    /ping: GET \/ping was not good within 10 s\. It answered 503 to the end/,
    [
      ['ping', 'Fail'],
      ['one-cat', 'Skipped'],
      ['terminate', 'Pass'],
    ],
  ],
  ['exits', 'exits at once', {}, /exited by itself with code 3: the end of its log says why/, [['run', 'Fail']]],
  [
    'crashes',
    'crashes on a request',
    {},
    /exited by itself with code 4|ended the connection before it had answered/,
    undefined,
  ],
  [
    'wrong',
    'answers wrongly',
    {},
    /one-cat: \$\.label is “dog”, not “cat”\./,
    [
      ['ping', 'Pass'],
      ['one-cat', 'Fail'],
      ['terminate', 'Pass'],
    ],
  ],
  ['chunked', 'answers without a length', {}, /one-cat: It answered without Content-Length \(chunked\)/, undefined],
  ['loopback', 'listens on 127.0.0.1 only', { pingTimeoutSeconds: 5 }, /listens on 127\.0\.0\.1 only/, undefined],
] as const)
  test(`an image that ${title} fails, with what it printed last`, async (t) => {
    const { answer, status } = await verdictOn(t, behaviour, {
      isolation: false,
      environment: { BEHAVIOUR: behaviour },
      invocations: [ONE_CAT],
      ...block,
    })
    t.is(answer.state, 'failed', answer.message)
    t.regex(answer.message, says)
    if (phases)
      t.deepEqual(
        verdicts(status)?.slice(2),
        phases.map((each) => [...each]),
      )
    t.true((status?.logTail?.length ?? 0) > 0)
    t.false(JSON.stringify(status).includes('wJalrXUtnFEMI'), 'a secret in the log')
    await nothingIsLeft(t, behaviour)
  })

test('an image that runs as root fails where that is not allowed, with the remedy', async (t) => {
  const { answer } = await verdictOn(t, 'restricted', { isolation: false, podSecurity: 'Restricted' })
  t.is(answer.state, 'failed', answer.message)
  t.regex(answer.message, /runs as root.*podSecurity is Restricted: set USER to a number/)
  await nothingIsLeft(t, 'restricted')
})

test('an image whose entrypoint does not exist fails, and the runtime says what it looked for', async (t) => {
  const context = join(import.meta.dirname, 'contract-model')
  const tag = 'localhost/mooring-contract-missing:test'
  await buildFrom(join(context, 'missing-entrypoint.Containerfile'), context, tag, { FROM_IMAGE: PROBE_IMAGE })
  await cluster.load(tag)
  const { answer } = await verdictOn(t, 'missing', { isolation: false }, { reference: await cluster.pin(tag) })
  t.is(answer.state, 'failed', answer.message)
  t.regex(answer.message, /ENTRYPOINT must name a program.*serve\.py.*not found/)
  await nothingIsLeft(t, 'missing')
})

test('a Pod that is deleted while it is tested is not held against the image: the second attempt passes', async (t) => {
  let deleted = false
  const { answer, status } = await verdictOn(
    t,
    'deleted',
    { isolation: false, invocations: [ONE_CAT] },
    {
      async eachPass({ status: seen }) {
        if (deleted || seen?.state !== 'Running') return
        deleted = true
        await cluster.kubectl(
          'delete',
          'pods',
          '-n',
          namespace,
          '-l',
          `batch.kubernetes.io/job-name=${seen.jobName}`,
          '--wait=false',
        )
      },
    },
  )
  t.true(deleted)
  t.is(answer.state, 'passed', answer.message)
  t.is(status?.attempt, 2)
  await nothingIsLeft(t, 'deleted')
})

test('a Pod that no node takes waits, and says what for', async (t) => {
  const name = 'unschedulable'
  const contractTest = { isolation: false, resources: { limits: { 'nvidia.com/gpu': '1' } }, startTimeoutSeconds: 60 }
  const spec = { image: '123456789012.dkr.ecr.us-east-1.amazonaws.com/model:1', contractTest }
  await kube.create(
    MODEL_IMAGES,
    { apiVersion: API_VERSION, kind: 'ModelImage', metadata: { name, namespace }, spec },
    namespace,
  )
  let later = 0
  for (const end = Date.now() + LIMIT_MS; Date.now() < end; await delay(500)) {
    const object = await kube.get<ModelImage>(MODEL_IMAGES, { namespace, name })
    const before = structuredClone(object.status ?? {})
    // After a while, by the operator's clock.
    const now = new Date(Date.now() + later)
    const digest = reference.split('@')[1] ?? ''
    const answer = await contractTestStep({
      kube,
      object,
      image: { reference, digest },
      imagePullSecrets: [],
      config: { image: PROBE_IMAGE, pullPolicy: 'Never' },
      now,
    })
    object.status = { ...object.status, ...(answer.status ? { contractTest: answer.status } : {}) }
    await patchStatusIfChanged(kube, MODEL_IMAGES, before, object)
    if (/A node is being looked for/.test(answer.message)) later = 65_000
    if (answer.reason === 'ContractTestNotRun') {
      t.regex(
        answer.message,
        /No node takes the Pod: change resources, nodeSelector.*The scheduler says: .*Insufficient nvidia\.com\/gpu/,
      )
      await nothingIsLeft(t, name)
      return
    }
  }
  t.fail('it was never said')
})
