import test from 'ava'
import {
  JOBS,
  type Job,
  NETWORK_POLICIES,
} from '../../../../../operator/controllers/model-image/contract-test/objects.ts'
import { KubeError } from '../../../../../operator/kube/errors.ts'
import { CONFIG, digest, GOOD, POD, stage, WRONG } from './stage.ts'

test('the first pass writes down what it is about to do, and does nothing yet: so nothing can be made that is not known of', async (t) => {
  const { pass, jobs, policies, object } = await stage()
  const answer = await pass()
  t.like(answer, { state: 'pending', required: true, reason: 'ContractTestPending', after: 0 })
  t.deepEqual(await jobs(), [])
  t.deepEqual(await policies(), [])
  const status = (await object()).status?.contractTest
  t.like(status, { state: 'Pending', attempt: 1, digest: digest('a') })
  t.regex(status?.jobName ?? '', /^sam-lite-contract-[0-9a-f]{12}-1$/)
})

test('each pass makes one object: the NetworkPolicy before the Job, which it is to cut off', async (t) => {
  const { pass, jobs, policies } = await stage()
  await pass()
  await pass()
  t.deepEqual([(await policies()).length, (await jobs()).length], [1, 0])
  await pass()
  t.deepEqual([(await policies()).length, (await jobs()).length], [1, 1])
  await pass()
  t.deepEqual([(await policies()).length, (await jobs()).length], [1, 1])
})

test('without isolation there is no NetworkPolicy', async (t) => {
  const { passes, jobs, policies } = await stage({ isolation: false })
  await passes()
  t.deepEqual([(await policies()).length, (await jobs()).length], [0, 1])
})

test('an image that keeps the contract passes, and the verdict is given once its Job and NetworkPolicy are gone', async (t) => {
  const { pass, passes, kubelet, jobs, policies, object } = await stage()
  await passes()
  await kubelet(POD.testing)
  t.like(await pass(), { state: 'pending', status: { state: 'Running' } })
  await kubelet(POD.ended(GOOD))
  t.regex((await pass()).message, /asked to stop, by SIGTERM/)
  await kubelet(POD.ended(GOOD, 0))
  const decided = await pass()
  t.like(decided, { state: 'pending', after: 0, status: { state: 'Passed' } })
  t.is((await jobs()).length, 1)
  const answer = await passes()
  t.like(answer, { state: 'passed', reason: 'ContractTestPassed', after: undefined })
  t.deepEqual([(await policies()).length, (await jobs()).length], [0, 0])
  const status = (await object()).status?.contractTest
  t.is(status?.jobName, undefined)
  t.deepEqual(
    status?.phases?.map(({ name, verdict, milliseconds }) => [name, verdict, milliseconds]),
    [
      ['pull', 'Pass', 2000],
      ['ping', 'Pass', 1200],
      ['terminate', 'Pass', 1000],
    ],
  )
  t.deepEqual(status?.logTail, ['the last line'], 'what the kubelet kept, where the log cannot be read')
})

test('a verdict is never asked for twice: not after a restart, and not after another digest has come and gone', async (t) => {
  const { passes, kubelet, removePod, jobs } = await stage()
  await passes()
  await kubelet(POD.ended(WRONG, 0))
  t.like(await passes(), { state: 'failed' })
  t.like(await passes(), { state: 'failed' })
  await removePod()
  await passes({ digest: digest('b') })
  await kubelet(POD.ended(GOOD, 0))
  t.like(await passes({ digest: digest('b') }), { state: 'passed' })
  const again = await passes()
  t.like(again, { state: 'failed', reason: 'ContractTestFailed' })
  t.regex(again.message, /It answered 500 in place of 200/)
  t.like(await passes({ digest: digest('b') }), { state: 'passed' })
  t.deepEqual(await jobs(), [])
})

test('a verdict that is known is answered without disturbing the test of another digest', async (t) => {
  const { pass, passes, kubelet, removePod, jobs, object } = await stage()
  await passes()
  await kubelet(POD.ended(GOOD, 0))
  await passes()
  await removePod()
  await passes({ digest: digest('b') })
  t.like(await pass(), { state: 'passed' })
  t.is((await jobs()).length, 1)
  t.is((await object()).status?.contractTest?.digest, digest('b'))
})

for (const [title, block, status, says] of [
  ['was killed, since it ignored SIGTERM', {}, POD.ended(GOOD, 137, 30), /It had not exited 30 s after SIGTERM/],
  ['answered wrongly', {}, POD.ended(WRONG, 0), /one-cat: It answered 500/],
  ['exited by itself', {}, POD.crashed(3, { message: 'no weights' }), /exited by itself with code 3/],
  ['ran out of memory', {}, POD.crashed(137, { reason: 'OOMKilled' }), /raise resources\.limits\.memory/],
  [
    'cannot be started',
    {},
    POD.crashed(128, { reason: 'StartError', message: 'exec: "serve.py": executable file not found in $PATH' }),
    /ENTRYPOINT must name a program.*executable file not found/,
  ],
  [
    'runs as root where it must not',
    { podSecurity: 'Restricted' },
    POD.pulling('CreateContainerConfigError', 'container has runAsNonRoot and image will run as root'),
    /set USER to a number/,
  ],
] as const)
  test(`an image that ${title} fails for good`, async (t) => {
    const { passes, kubelet, jobs, clock } = await stage(block)
    await passes()
    await kubelet(status)
    const answer = await passes()
    t.like(answer, { state: 'failed', reason: 'ContractTestFailed', after: undefined })
    t.regex(answer.message, says)
    clock.now += 86_400_000
    t.like(await passes(), { state: 'failed' })
    t.deepEqual(await jobs(), [])
  })

test('a Pod that no node takes says so after a while, and is given up when the time to start is over', async (t) => {
  const { pass, passes, kubelet, clock } = await stage({ startTimeoutSeconds: 600 })
  await passes()
  await kubelet(POD.unschedulable)
  t.regex((await pass()).message, /A node is being looked for/)
  clock.now += 90_000
  t.regex((await pass()).message, /No node takes the Pod: change resources.*Insufficient nvidia\.com\/gpu/)
  clock.now += 600_000
  const answer = await passes()
  t.like(answer, { state: 'pending', reason: 'ContractTestNotRun', status: { state: 'Error' } })
  t.is(answer.after, 60_000)
})

test('an image that cannot be pulled is not blamed: the remedy is said, and it is tried again', async (t) => {
  const { pass, passes, kubelet, removePod, jobs, clock } = await stage()
  await passes()
  await kubelet(POD.pulling('ErrImagePull', 'connection reset'))
  t.regex((await pass()).message, /could not be pulled yet; the node tries again/)
  await kubelet(POD.pulling('ImagePullBackOff', 'failed to authorize: 401 Unauthorized'))
  const answer = await passes()
  t.like(answer, { state: 'pending', reason: 'ContractTestNotRun', after: 60_000 })
  t.regex(answer.message, /name a Secret in spec\.imagePullSecrets.*401 Unauthorized/)
  t.deepEqual(await jobs(), [])
  await removePod()
  clock.now += 60_000
  await passes()
  const [job] = await jobs()
  t.regex(job?.metadata.name ?? '', /-2$/)
  await kubelet(POD.ended(GOOD, 0))
  t.like(await passes(), { state: 'passed' })
})

test("the probe's own image is told apart from the one under test", async (t) => {
  const { passes, kubelet } = await stage()
  await passes()
  await kubelet(POD.pulling('ImagePullBackOff', 'not found', 'probe'))
  t.regex((await passes()).message, /The probe's image, Mooring's own, cannot be pulled.*contractTest\.image/)
})

for (const [title, status] of [
  ['evicted', POD.evicted],
  ['preempted', POD.preempted],
  ['left without a result by its probe', POD.withoutResult],
] as const)
  test(`a Pod that is ${title} is repeated under another name, three times in all, and then said to be no verdict`, async (t) => {
    const { passes, kubelet, removePod, jobs } = await stage()
    await passes()
    for (const attempt of [1, 2, 3]) {
      t.regex((await jobs()).map((job) => job.metadata.name).join(), new RegExp(`-${attempt}$`))
      await kubelet(status)
      const answer = await passes()
      await removePod()
      if (attempt < 3) t.like(answer, { reason: 'ContractTestPending', status: { attempt: attempt + 1 } })
      else {
        t.like(answer, { state: 'pending', reason: 'ContractTestNotRun', after: undefined })
        t.regex(answer.message, /set the annotation mooring\.dev\/contract-test to a new value\.$/)
      }
    }
    t.deepEqual(await jobs(), [])
  })

test('a new value of the annotation begins again, whatever was decided', async (t) => {
  const { passes, kubelet, removePod, patch, jobs } = await stage()
  await passes()
  await kubelet(POD.ended(WRONG, 0))
  t.like(await passes(), { state: 'failed' })
  await removePod()
  await patch({ metadata: { annotations: { 'mooring.dev/contract-test': '1' } } })
  t.like(await passes(), { state: 'pending' })
  t.is((await jobs()).length, 1)
})

test('a spec that changes while a test runs ends it and begins another; one that says only what the verdict is for does not', async (t) => {
  const { pass, passes, patch, jobs, policies, object } = await stage()
  await passes()
  const [first] = await jobs()
  await patch({ spec: { contractTest: { required: false } } })
  t.like(await pass(), { required: false })
  t.is((await jobs())[0]?.metadata.uid, first?.metadata.uid)
  await patch({ spec: { contractTest: { pingTimeoutSeconds: 10 } } })
  await passes()
  const [second, ...more] = await jobs()
  t.deepEqual(more, [])
  t.not(second?.metadata.uid, first?.metadata.uid)
  t.is((await policies()).length, 1)
  t.is((await object()).status?.contractTest?.attempt, 1)
})

test('a block that is taken away takes its Job along, and then its status', async (t) => {
  const { passes, patch, jobs, policies, object } = await stage()
  await passes()
  await patch({ spec: { contractTest: null } })
  t.like(await passes(), { state: 'off', reason: 'NotRequested' })
  t.deepEqual([(await jobs()).length, (await policies()).length], [0, 0])
  t.is((await object()).status?.contractTest, undefined)
})

test('a crash between any act and the write of its status leads to the same end, with one Job', async (t) => {
  const { pass, passes, kubelet, jobs, policies } = await stage()
  for (let count = 0; count < 5; count++) {
    await pass({ withoutStatus: true })
    await pass()
  }
  t.deepEqual([(await jobs()).length, (await policies()).length], [1, 1])
  await kubelet(POD.ended(GOOD, 0))
  t.like(await pass({ withoutStatus: true }), { status: { state: 'Passed' } })
  for (let count = 0; count < 4; count++) {
    await pass({ withoutStatus: true })
    await pass()
  }
  t.like(await passes(), { state: 'passed' })
  t.deepEqual([(await jobs()).length, (await policies()).length], [0, 0])
})

test('a Job that was deleted by hand while it ran is made again', async (t) => {
  const { passes, kube, namespace, jobs } = await stage()
  await passes()
  const [job] = await jobs()
  await kube.delete(JOBS, { namespace, name: job?.metadata.name ?? '' }, { propagationPolicy: 'Background' })
  await passes()
  t.is((await jobs())[0]?.metadata.name, job?.metadata.name)
})

test('a Job of that name that is somebody else’s is left alone, and said', async (t) => {
  const { pass, passes, kube, namespace, object, jobs } = await stage({ isolation: false })
  await pass()
  const name = (await object()).status?.contractTest?.jobName ?? ''
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'a', image: 'a' }] } }
  await kube.create(JOBS, { apiVersion: 'batch/v1', kind: 'Job', metadata: { name }, spec: { template } }, namespace)
  const answer = await passes()
  t.like(answer, { state: 'pending', reason: 'ContractTestNotRun' })
  t.regex(answer.message, /is there and not of this object: delete it, or rename/)
  t.is((await jobs()).length, 1)
})

test('where contract tests are turned off, a declared one waits and says how to turn them on; a verdict that is there stays', async (t) => {
  const { passes, kubelet, jobs } = await stage()
  const off = { config: { ...CONFIG, image: undefined } }
  t.like(await passes(off), { state: 'pending', reason: 'ContractTestDisabled', status: undefined })
  t.deepEqual(await jobs(), [])
  await passes()
  await kubelet(POD.ended(GOOD, 0))
  await passes()
  t.like(await passes(off), { state: 'passed' })
})

test('an operator that may not create Jobs says so, and goes on when it may', async (t) => {
  const { pass, passes, kube, jobs } = await stage()
  await pass()
  const refusing = {
    ...kube,
    create: () =>
      Promise.reject(
        new KubeError(403, 'Forbidden', 'jobs.batch is forbidden: User "x" cannot create resource "jobs".'),
      ),
  }
  const answer = await pass({ kube: refusing })
  t.like(answer, { state: 'pending', reason: 'ContractTestNotRun', after: 60_000 })
  t.regex(answer.message, /cannot create resource.*contractTest\.enabled/)
  await passes()
  t.is((await jobs()).length, 1)
})

test('everything that is made belongs to the ModelImage, so that its deletion takes it along', async (t) => {
  const { passes, object, jobs, policies } = await stage()
  await passes()
  const { uid } = (await object()).metadata
  const [job] = await jobs()
  const [policy] = await policies()
  for (const each of [job, policy])
    t.like(each?.metadata.ownerReferences?.[0], { uid, kind: 'ModelImage', controller: true })
  t.is(NETWORK_POLICIES.plural, 'networkpolicies')
})

test('the API server keeps the Job as it was asked for: a sidecar, no token, nothing to escalate with', async (t) => {
  const { passes, jobs } = await stage({
    invocations: [
      { name: 'a', input: { inline: 'körper' } },
      { name: 'b', input: { base64: 'AAEC' } },
      { name: 'c', input: { configMapKeyRef: { name: 'samples', key: 'x' } } },
    ],
    modelData: { persistentVolumeClaim: { claimName: 'weights', subPath: 'sam3' } },
    environment: { TEMPLATE: '$(HOME)' },
    resources: { limits: { 'nvidia.com/gpu': '1' } },
  })
  await passes()
  const [job] = (await jobs()) as unknown as (Job & { spec: JobSpec })[]
  t.like(job?.spec, { backoffLimit: 0, ttlSecondsAfterFinished: 3600, activeDeadlineSeconds: 1800 + 1800 + 30 + 120 })
  const { spec: pod, metadata } = job?.spec.template ?? {}
  t.like(pod, {
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 30,
    restartPolicy: 'Never',
    nodeSelector: { 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64' },
    imagePullSecrets: [{ name: 'registry' }],
  })
  t.like(pod?.initContainers[0], {
    args: ['serve'],
    restartPolicy: 'Always',
    image: `123456789012.dkr.ecr.us-east-1.amazonaws.com/sam-lite@${digest('a')}`,
    env: [{ name: 'TEMPLATE', value: '$$(HOME)' }],
    volumeMounts: [{ name: 'model-data', mountPath: '/opt/ml/model', readOnly: true, subPath: 'sam3' }],
  })
  t.is(pod?.initContainers[0]?.command, undefined)
  t.is(metadata?.annotations['mooring.dev/input-0'], 'körper')
  t.is(metadata?.annotations['mooring.dev/input-1'], 'AAEC')
  t.false(Object.values(metadata?.annotations ?? {}).some((value) => value.includes('mooring.dev/contract-test')))
})

type JobSpec = {
  template: {
    metadata: { annotations: Record<string, string> }
    spec: { initContainers: { command?: string[] }[]; [field: string]: unknown }
  }
}
