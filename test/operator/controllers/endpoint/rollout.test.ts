import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import {
  CreateEndpointConfigCommand,
  DeleteEndpointCommand,
  DeleteEndpointConfigCommand,
  SageMakerClient,
  UpdateEndpointCommand,
  UpdateEndpointWeightsAndCapacitiesCommand,
} from '@aws-sdk/client-sagemaker'
import test from 'ava'
import type { AsyncInferenceEndpoint } from '../../../../operator/api/async-inference-endpoint.ts'
import { cloudForFile, conditionOf, endpointIn, isTrue, namesIn, type World, world } from '../world.ts'

const ECHO = join(import.meta.dirname, '..', '..', '..', 'local', 'fixtures', 'echo-server.ts')
const cloud = await cloudForFile()
await new S3Client({ forcePathStyle: true }).send(new CreateBucketCommand({ Bucket: 'rollout' }))
test.after.always(() => cloud.stop())
cloud.registerImage({ repository: 'echo', tag: '1.0.0', command: [process.execPath, ECHO] })
const sagemaker = new SageMakerClient()
const OUTPUT = { output: { s3OutputPath: 's3://rollout/out/', s3FailurePath: 's3://rollout/failed/' } }

const SMOKE_TEST = { input: { inline: '{"hello":1}' }, contentType: 'application/json', timeoutSeconds: 60 }

/** An endpoint of the echo server that is Ready; its answers are errors once the environment says FAIL_WITH. */
async function echo(spec: object = {}): Promise<{ w: World; first: AsyncInferenceEndpoint; name: string }> {
  // What is deleted under its feet is not to be made again before the test has seen the consequence.
  const w = await world({ intervals: { settled: 200, verify: 3_600_000 } })
  await w.applyImage('123456789012.dkr.ecr.us-east-1.amazonaws.com/echo:1.0.0')
  await w.apply({ spec: { async: OUTPUT, smokeTest: SMOKE_TEST, ...spec }, withoutImage: true })
  const first = await w.ready()
  return { w, first, name: await w.nameInCloud() }
}

const reasonOf = (endpoint: AsyncInferenceEndpoint, type = 'EndpointInService') => conditionOf(endpoint, type)?.reason

test('a revision that does not pass its smoke test gives way to the last good one, and is not tried again', async (t) => {
  const { w, first, name } = await echo()
  t.teardown(() => w.stop())
  await w.patch({ spec: { environment: { FAIL_WITH: '500' } } })
  const back = await w.until('SmokeTestRolledBack', (seen) => reasonOf(seen) === 'SmokeTestRolledBack' && seen)
  t.is(endpointIn(cloud, name)?.EndpointConfigName, first.status?.endpointConfigName)
  t.like(back.status, {
    phase: 'RolledBack',
    rollout: { result: 'RolledBack', cause: 'SmokeTest' },
    currentRevision: 1,
    attemptedRevision: 2,
  })
  t.false(isTrue(back, 'Ready'))
  t.true(isTrue(back, 'AutoscalingReady'))
  t.is(conditionOf(back, 'Degraded')?.status, 'True')
  t.deepEqual(
    back.status?.revisions?.map(({ number, outcome }) => [number, outcome]),
    [
      [2, 'Failed'],
      [1, 'Succeeded'],
    ],
  )
  await w.until('the event', async () =>
    (await w.events()).some(({ reason, note }) => reason === 'UpdateRolledBack' && /smoke test/.test(note)),
  )
  const describes = (await w.calls()).DescribeEndpoint ?? 0
  await w.until('several more looks', async () => ((await w.calls()).DescribeEndpoint ?? 0) >= describes + 4)
  t.is((await w.calls()).UpdateEndpoint, 2, 'to the new revision and back')
  // Reverting the manifest is no update at all.
  await w.patch({ spec: { environment: null } })
  const again = await w.ready()
  t.is(again.status?.currentRevision, 1)
  t.is((await w.calls()).UpdateEndpoint, 2)
})

test('a revision that fails its smoke test a second time is gone back from a second time', async (t) => {
  const { w, first, name } = await echo()
  t.teardown(() => w.stop())
  await w.patch({ spec: { environment: { FAIL_WITH: '500' } } })
  const rolledBack = (seen: AsyncInferenceEndpoint) => reasonOf(seen) === 'SmokeTestRolledBack'
  await w.until('the first time', rolledBack)
  await w.annotate({ 'mooring.dev/retry': 'again' })
  await w.until('another try', (seen) => seen.status?.rollout?.retry === 'again')
  await w.until('the second time', (seen) => seen.status?.rollout?.result !== 'InProgress' && rolledBack(seen))
  t.is(endpointIn(cloud, name)?.EndpointConfigName, first.status?.endpointConfigName)
  t.is((await w.calls()).InvokeEndpointAsync, 3, 'the second try was tested too')
})

test('with onFailure Hold, a revision that does not pass stays to be looked at', async (t) => {
  const { w, name } = await echo({ rollout: { onFailure: 'Hold' } })
  t.teardown(() => w.stop())
  await w.patch({ spec: { environment: { FAIL_WITH: '500' } } })
  const held = await w.until(
    'SmokeTestFailed',
    (seen) => seen.status?.attemptedRevision === 2 && reasonOf(seen, 'SmokeTestPassed') === 'SmokeTestFailed' && seen,
  )
  t.is(endpointIn(cloud, name)?.EndpointConfigName, held.status?.endpointConfigName)
  t.is((await w.calls()).UpdateEndpoint, 1)
})

test('an operator that dies after it decided to go back goes back once', async (t) => {
  const { w, first, name } = await echo()
  t.teardown(() => w.stop())
  cloud.setFault({ operation: 'sagemaker.UpdateEndpoint', subject: name, effect: 'drop-response', times: 1 })
  await w.patch({ spec: { environment: { FAIL_WITH: '500' } } })
  await w.until('the decision', ({ status }) => status?.rollout?.cause === 'SmokeTest')
  await w.restart()
  await w.until('SmokeTestRolledBack', (seen) => reasonOf(seen) === 'SmokeTestRolledBack')
  t.is(endpointIn(cloud, name)?.EndpointConfigName, first.status?.endpointConfigName)
})

test('spec.revision serves an earlier revision until it is taken out, and another number is refused', async (t) => {
  const { w, first, name } = await echo({ smokeTest: undefined })
  t.teardown(() => w.stop())
  await w.patch({ spec: { environment: { MODE: 'new' } } })
  const second = await w.ready()
  t.is(second.status?.currentRevision, 2)
  await w.patch({ spec: { revision: 1 } })
  const pinned = await w.until(
    'pinned',
    (seen) => reasonOf(seen) === 'PinnedToRevision' && isTrue(seen, 'Ready') && seen,
  )
  t.is(endpointIn(cloud, name)?.EndpointConfigName, first.status?.endpointConfigName)
  t.like(pinned.status, {
    currentRevision: 1,
    endpointConfigName: first.status?.endpointConfigName,
    modelName: first.status?.modelName,
  })
  // Edits wait meanwhile.
  await w.patch({ spec: { environment: { MODE: 'newer' } } })
  await w.ready()
  t.is((await w.calls()).UpdateEndpoint, 2)
  await w.patch({ spec: { revision: 7 } })
  const refused = await w.until(
    'RevisionMissing',
    (seen) => reasonOf(seen, 'ConfigReady') === 'RevisionMissing' && seen,
  )
  t.regex(conditionOf(refused, 'ConfigReady')?.message ?? '', /There is no revision 7: set spec\.revision to one of/)
  // What serves is looked after all the same.
  const before = endpointIn(cloud, name)?.CreationTime
  await sagemaker.send(new DeleteEndpointCommand({ EndpointName: name }))
  await w.until('recreated', () => {
    const now = endpointIn(cloud, name)
    return now?.EndpointStatus === 'InService' && now.CreationTime !== before
  })
  await w.until('still refused', (seen) => reasonOf(seen, 'Ready') === 'RevisionMissing')
  await w.patch({ spec: { revision: null } })
  const third = await w.ready()
  t.is(third.status?.currentRevision, 3)
})

// Serial: it clears the faults of others.
test.serial('edits while SageMaker updates are taken together: only the newest is rolled out', async (t) => {
  const { w, name } = await echo({ smokeTest: undefined })
  t.teardown(() => w.stop())
  cloud.setFault({ name: 'endpoint.stuck-updating', subject: name })
  await w.patch({ spec: { environment: { MODE: '1' } } })
  await w.until('Updating', () => endpointIn(cloud, name)?.EndpointStatus === 'Updating')
  for (const MODE of ['2', '3', '4']) await w.patch({ spec: { environment: { MODE } } })
  cloud.clearFaults()
  const ready = await w.ready()
  t.is((await w.calls()).UpdateEndpoint, 2)
  t.is(endpointIn(cloud, name)?.EndpointConfigName, ready.status?.endpointConfigName)
})

test('earlier revisions are kept up to the limit, and deleted beyond it', async (t) => {
  const { w, name } = await echo({ smokeTest: undefined, rollout: { revisionHistoryLimit: 1 } })
  t.teardown(() => w.stop())
  for (const MODE of ['2', '3', '4']) {
    await w.patch({ spec: { environment: { MODE } } })
    await w.ready()
  }
  const { status } = await w.until('collected', (seen) => seen.status?.rollout?.collected && seen)
  t.deepEqual(
    status?.revisions?.map(({ number }) => number),
    [4, 3],
  )
  const kept = namesIn(cloud, `${name}-`).filter((found) => /-[0-9a-f]{8}$/.test(found))
  t.is(kept.length, 4, 'two configurations and their two models')
})

test('Recreate deletes the endpoint and creates it with the new revision', async (t) => {
  const { w, name } = await echo({ smokeTest: undefined, rollout: { strategy: 'Recreate' } })
  t.teardown(() => w.stop())
  const before = endpointIn(cloud, name)
  await w.patch({ spec: { environment: { MODE: 'new' } } })
  const { status } = await w.ready()
  t.not(endpointIn(cloud, name)?.CreationTime, before?.CreationTime)
  t.is(endpointIn(cloud, name)?.EndpointConfigName, status?.endpointConfigName)
  t.like(await w.calls(), {
    UpdateEndpoint: undefined,
    CreateEndpoint: 2,
    DeleteEndpoint: 1,
    RegisterScalableTarget: 2,
  })
})

test('a revision that cannot be created by Recreate gives way to the last good one', async (t) => {
  const { w, first, name } = await echo({ smokeTest: undefined, rollout: { strategy: 'Recreate' } })
  t.teardown(() => w.stop())
  const reason = 'CannotStartContainerError. Please ensure the model container for variant AllTraffic starts correctly.'
  cloud.setFault({ name: 'endpoint.create-fails', subject: name, reason, times: 1 })
  await w.patch({ spec: { environment: { MODE: 'broken' } } })
  const back = await w.until('RecreateRolledBack', (seen) => reasonOf(seen) === 'RecreateRolledBack' && seen)
  t.is(endpointIn(cloud, name)?.EndpointConfigName, first.status?.endpointConfigName)
  t.like(back.status, { rollout: { cause: 'Recreate', result: 'RolledBack' }, lastFailure: { permanent: true } })
  t.is((await w.calls()).CreateEndpoint, 3)
})

test('an endpoint that somebody moves to another configuration is moved back, and an event says so', async (t) => {
  const { w, first, name } = await echo({ smokeTest: undefined })
  t.teardown(() => w.stop())
  await sagemaker.send(
    new CreateEndpointConfigCommand({
      EndpointConfigName: `foreign-${name}`.slice(0, 63),
      ProductionVariants: [
        {
          VariantName: 'AllTraffic',
          ModelName: first.status?.modelName,
          InstanceType: 'ml.g5.2xlarge',
          InitialInstanceCount: 1,
        },
      ],
      AsyncInferenceConfig: { OutputConfig: { S3OutputPath: 's3://mooring-demo/output/' } },
    }),
  )
  const EndpointConfigName = `foreign-${name}`.slice(0, 63)
  await sagemaker.send(new UpdateEndpointCommand({ EndpointName: name, EndpointConfigName }))
  await w.until('moved away', () => endpointIn(cloud, name)?.EndpointConfigName === EndpointConfigName)
  await w.until('moved back', () => endpointIn(cloud, name)?.EndpointConfigName === first.status?.endpointConfigName)
  await w.ready()
  await w.until('the event', async () =>
    (await w.events()).some(({ reason, note }) => reason === 'DriftCorrected' && note.includes('foreign-')),
  )
  t.true(namesIn(cloud, EndpointConfigName).length > 0, 'what is not ours stays')
})

test('an endpoint whose configuration in use was deleted is recreated only when that is asked for', async (t) => {
  const { w, first, name } = await echo({ smokeTest: undefined })
  t.teardown(() => w.stop())
  const before = endpointIn(cloud, name)
  await sagemaker.send(new DeleteEndpointConfigCommand({ EndpointConfigName: first.status?.endpointConfigName }))
  await w.patch({ spec: { environment: { MODE: 'new' } } })
  const stuck = await w.until('ConfigInUseMissing', (seen) => reasonOf(seen) === 'ConfigInUseMissing' && seen)
  t.regex(conditionOf(stuck, 'EndpointInService')?.message ?? '', /Set the annotation mooring\.dev\/retry/)
  t.is(endpointIn(cloud, name)?.CreationTime, before?.CreationTime)
  await w.annotate({ 'mooring.dev/retry': '1' })
  await w.ready()
  t.not(endpointIn(cloud, name)?.CreationTime, before?.CreationTime)
})

test('while the image is unknown, nothing new is rolled out, and what serves is looked after', async (t) => {
  const { w, name } = await echo({ smokeTest: undefined, recovery: { maxAttempts: 3, backoffSeconds: 1 } })
  t.teardown(() => w.stop())
  const before = endpointIn(cloud, name)
  await w.patch({ spec: { imageRef: { name: 'nowhere' }, environment: { MODE: 'new' } } })
  await w.until('ImageMissing', (seen) => reasonOf(seen, 'ImageReady') === 'ImageMissing')
  cloud.setFault({ name: 'endpoint.fails-in-service', subject: name, times: 1 })
  await w.until('recreated as it was', () => {
    const now = endpointIn(cloud, name)
    return now?.CreationTime !== before?.CreationTime && now?.EndpointStatus === 'InService'
  })
  t.is(endpointIn(cloud, name)?.EndpointConfigName, before?.EndpointConfigName)
  const { status } = await w.endpoint()
  t.is(status?.attemptedRevision, 1)
})

test('a change of capacity after an update that was not taken leaves what is said of that', async (t) => {
  const w = await world({ intervals: { settled: 200 } })
  t.teardown(() => w.stop())
  await w.apply()
  await w.ready()
  const name = await w.nameInCloud()
  cloud.setFault({ name: 'endpoint.update-fails', subject: name, times: 1 })
  await w.patch({ spec: { environment: { MODE: 'bad' } } })
  const said = await w.until('UpdateRolledBack', (endpoint) => {
    const seen = conditionOf(endpoint, 'EndpointInService')
    return seen?.reason === 'UpdateRolledBack' && seen
  })
  cloud.setFault({ name: 'endpoint.stuck-updating', subject: name })
  await sagemaker.send(
    new UpdateEndpointWeightsAndCapacitiesCommand({
      EndpointName: name,
      DesiredWeightsAndCapacities: [{ VariantName: 'AllTraffic', DesiredInstanceCount: 0 }],
    }),
  )
  await w.until('the change is seen', ({ status }) => status?.endpointStatus === 'Updating')
  t.deepEqual(conditionOf(await w.endpoint(), 'EndpointInService'), said)
  t.is((await w.endpoint()).status?.phase, 'RolledBack')
  cloud.clearFaults(name)
  await w.until('the change is over', ({ status }) => status?.instances?.current === 0)
  t.deepEqual(conditionOf(await w.endpoint(), 'EndpointInService'), said)
})

test('where the revision to go back to was deleted, and the endpoint too, the newest one gets another chance', async (t) => {
  const { w, first, name } = await echo({ smokeTest: undefined })
  t.teardown(() => w.stop())
  cloud.setFault({ name: 'endpoint.update-fails', subject: name, times: 1 })
  await w.patch({ spec: { environment: { MODE: 'new' } } })
  await w.until('UpdateRolledBack', (seen) => reasonOf(seen) === 'UpdateRolledBack')
  await sagemaker.send(new DeleteEndpointConfigCommand({ EndpointConfigName: first.status?.endpointConfigName ?? '' }))
  await sagemaker.send(new DeleteEndpointCommand({ EndpointName: name }))
  const { status } = await w.ready()
  t.is(endpointIn(cloud, name)?.EndpointConfigName, status?.endpointConfigName)
  t.not(status?.endpointConfigName, first.status?.endpointConfigName)
})
