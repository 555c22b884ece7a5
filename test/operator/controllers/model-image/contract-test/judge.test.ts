import test from 'ava'
import { contractTest } from '../../../../../operator/api/contract-test.ts'
import {
  desiredJob,
  InputsTooLarge,
} from '../../../../../operator/controllers/model-image/contract-test/desired-job.ts'
import { judge } from '../../../../../operator/controllers/model-image/contract-test/judge.ts'
import type { Job, Pod, PodStatus } from '../../../../../operator/controllers/model-image/contract-test/objects.ts'
import { jobName, type Plan, revisionOf } from '../../../../../operator/controllers/model-image/contract-test/plan.ts'
import { GOOD, POD, WRONG } from './stage.ts'

const TEST = contractTest.parse({ startTimeoutSeconds: 600, timeoutSeconds: 300 })
const job = (status: Job['status'] = {}): Job => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'job' },
  spec: { template: { spec: {} } },
  status,
})
const pod = (status: PodStatus, metadata: object = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'pod', creationTimestamp: '2026-11-03T00:00:00Z', ...metadata },
  spec: {},
  status,
})
const seen = (status: PodStatus, sinceStartMs = 30_000) => judge(job(), pod(status), TEST, sinceStartMs)

test('a Job whose Pod is refused says who may refuse it, and is given up in the end', (t) => {
  const at = (milliseconds: number) => judge(job(), undefined, TEST, milliseconds)
  t.like(at(5_000), { kind: 'under way', message: 'The Job is made.' })
  t.regex(
    JSON.stringify(at(90_000)),
    /under way.*No Pod appears for the Job job: a quota, or Pod Security, may refuse it/,
  )
  t.like(at(601_000), { kind: 'decided', verdict: 'Error' })
})

test('a Job that failed without leaving a Pod tells nothing of the image', (t) => {
  const failed = job({
    conditions: [{ type: 'Failed', status: 'True', reason: 'DeadlineExceeded', message: 'too late' }],
  })
  t.like(judge(failed, undefined, TEST, 30_000), {
    kind: 'again',
    message: 'The Job failed and its Pod is gone: too late',
  })
})

test('a Pod that is being deleted, a lost node and a probe that never ends tell nothing of the image', (t) => {
  t.like(judge(job(), pod(POD.testing, { deletionTimestamp: '2026-11-03T00:00:09Z' }), TEST, 30_000), { kind: 'again' })
  t.like(seen({ phase: 'Failed', reason: 'NodeLost' }), { kind: 'again' })
  t.like(seen({ phase: 'Failed', reason: 'OutOfnvidia' }), { kind: 'again' })
  t.like(seen(POD.testing, 900_000), { kind: 'under way' })
  t.like(seen(POD.testing, 1_100_000), { kind: 'again', message: 'The probe did not end in its time.' })
})

test('a container that ended in the second in which the probe did was asked to; one that ended before was not', (t) => {
  t.like(seen(POD.ended(GOOD, 0, 0)), { kind: 'decided', verdict: 'Passed' })
  t.like(seen(POD.ended(GOOD, 3, -1)), { kind: 'decided', verdict: 'Failed' })
  t.like(seen(POD.ended(GOOD, 143, 5)), { kind: 'decided', verdict: 'Passed' })
})

test('why the container ended counts before what the probe then missed', (t) => {
  const ended = seen(POD.ended(WRONG, 137, -2))
  t.regex(JSON.stringify(ended), /"message":"The container exited by itself with code 137/)
})

test('a container that cannot be made is not decided upon at once: volumes and devices may come', (t) => {
  const status = POD.pulling('CreateContainerError', 'failed to mount: no such device')
  t.like(seen(status), { kind: 'under way', state: 'Pending' })
  t.like(seen(status, 200_000), { kind: 'decided', verdict: 'Error' })
})

test('an image that is slow to be pulled is waited for until the time to start is over', (t) => {
  const status = POD.pulling('PodInitializing', '')
  t.like(seen(status, 590_000), { kind: 'under way', message: 'The image is being pulled and started.' })
  t.like(seen(status, 601_000), { kind: 'decided', verdict: 'Error' })
})

const OBJECT = { apiVersion: 'mooring.dev/v1alpha1', kind: 'ModelImage', metadata: { name: 'a', uid: 'u' } }
const plan = (more: Partial<Plan> = {}): Plan => ({
  object: OBJECT,
  test: TEST,
  image: { reference: 'r@sha256:a', digest: 'sha256:a' },
  revision: 'r',
  attempt: 1,
  probe: { image: 'p', pullPolicy: 'IfNotPresent' },
  imagePullSecrets: [],
  ...more,
})

test('names follow from the object, the digest, the test and the attempt, and fit wherever Kubernetes puts them', (t) => {
  const names = [
    plan(),
    plan({ attempt: 2 }),
    plan({ revision: 's' }),
    plan({ image: { reference: 'r@sha256:b', digest: 'sha256:b' } }),
    plan({ object: { ...OBJECT, metadata: { ...OBJECT.metadata, uid: 'v' } } }),
  ].map(jobName)
  t.is(new Set(names).size, names.length)
  t.is(jobName(plan()), jobName(plan()))
  const long = jobName(plan({ object: { ...OBJECT, metadata: { name: `${'a.'.repeat(120)}b`, uid: 'u' } } }))
  t.regex(long, /^[a-z]([-a-z0-9]{0,61}[a-z0-9])$/)
})

test('the revision changes with what is asked and with the annotation, not with the order of fields or with what the verdict is for', (t) => {
  const revision = revisionOf(TEST, OBJECT)
  t.is(revisionOf({ ...TEST, required: false }, OBJECT), revision)
  t.is(revisionOf(Object.fromEntries(Object.entries(TEST).toReversed()) as typeof TEST, OBJECT), revision)
  t.not(revisionOf({ ...TEST, isolation: false }, OBJECT), revision)
  const annotations = { 'mooring.dev/contract-test': '1' }
  t.not(revisionOf(TEST, { metadata: { ...OBJECT.metadata, annotations } }), revision)
})

test('inputs that no annotations can hold are refused with the way out; the largest of every field fit', (t) => {
  const invocation = (index: number, checks: number) => ({
    name: `n-${index}`,
    input: { inline: '"'.repeat(16_384) },
    expect: {
      jsonPath: Array.from({ length: checks }, () => ({ path: `$.${'a'.repeat(200)}`, equals: 'b'.repeat(1024) })),
    },
  })
  const invocations = (checks: number) => Array.from({ length: 8 }, (_, index) => invocation(index, checks))
  t.notThrows(() => desiredJob(plan({ test: contractTest.parse({ invocations: invocations(4) }) })))
  const error = t.throws(() => desiredJob(plan({ test: contractTest.parse({ invocations: invocations(16) }) })), {
    instanceOf: InputsTooLarge,
  })
  t.regex(error?.message ?? '', /larger than 256 KiB together: put inputs into ConfigMaps/)
})
