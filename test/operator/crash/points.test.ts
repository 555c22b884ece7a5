import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { isCertain, type Point } from './points.ts'
import { type Scenario, stage } from './stage.ts'

const ECHO = join(import.meta.dirname, '..', '..', 'local', 'fixtures', 'echo-server.ts')
let covered = 0
test.after(() => console.log(`covered ${covered} crash points`))

/** Runs the act undisturbed to learn its points and its end, then once for each point with the operator killed there. */
async function dieEverywhere(t: ExecutionContext, scenario: Scenario): Promise<void> {
  t.timeout(15 * 60_000)
  const { run } = await stage(t, scenario)
  const undisturbed = await run()
  t.deepEqual(undisturbed.violations, [])
  const points = new Set<Point>(undisturbed.points)
  const missed = new Set<Point>()
  const died: Point[] = []
  for (const point of points) {
    const { met, end, effective, violations } = await run(point, undisturbed.end)
    t.deepEqual(end, undisturbed.end, `killed ${point}`)
    t.deepEqual(effective, undisturbed.effective, `killed ${point}`)
    t.deepEqual(violations, [], `killed ${point}`)
    if (met) died.push(point)
    else if (!missed.has(point)) {
      // Once more, at the end.
      missed.add(point)
      points.delete(point)
      points.add(point)
    }
  }
  const never = [...points].filter((point) => !died.includes(point))
  t.deepEqual(never.filter(isCertain), [], 'calls that were made once and not again')
  t.log(
    `killed at ${died.length} points:\n${died.join('\n')}${never.length ? `\nnot met again:\n${never.join('\n')}` : ''}`,
  )
  covered += died.length
}

const ECHOING = {
  images: [{ repository: 'sam-lite', tag: '1.0.0', command: [process.execPath, ECHO], cwd: import.meta.dirname }],
}
const OUTPUT = { s3OutputPath: 's3://mooring-demo/output/' }
const SMOKE_TEST = { input: { inline: 'hello' }, contentType: 'text/plain' }

test('create', async (t) => {
  await dieEverywhere(t, {
    cloud: ECHOING,
    spec: { smokeTest: SMOKE_TEST },
    fromReady: false,
    act: (actor) => actor.apply(),
    over: (actor) => actor.ready(),
  })
})

/** Otherwise what was before stays to be gone back to. */
const NO_HISTORY = { rollout: { revisionHistoryLimit: 0 } }

test('update', async (t) => {
  await dieEverywhere(t, {
    spec: NO_HISTORY,
    fromReady: true,
    act: (actor) => actor.patch({ spec: { environment: { MODE: 'new' } } }),
    over: (actor, before) => actor.ready() && actor.endpoint()?.EndpointConfigName !== before?.EndpointConfigName,
  })
})

test('change of instance type, for which scaling is taken off and put back', async (t) => {
  await dieEverywhere(t, {
    spec: { ...NO_HISTORY, scaling: { minInstances: 1, maxInstances: 3 } },
    fromReady: true,
    act: (actor) => actor.patch({ spec: { instance: { type: 'ml.g5.xlarge' } } }),
    over: (actor, before) => actor.ready() && actor.endpoint()?.EndpointConfigName !== before?.EndpointConfigName,
  })
})

test('recover', async (t) => {
  await dieEverywhere(t, {
    spec: { recovery: { backoffSeconds: 1, maxBackoffSeconds: 1 } },
    fromReady: true,
    async act({ cloud, endpointName }) {
      cloud.setFault({ name: 'endpoint.fails-in-service', subject: endpointName, times: 1 })
    },
    over: (actor, before) => {
      const endpoint = actor.endpoint()
      const again = endpoint !== undefined && String(endpoint.CreationTime) !== String(before?.CreationTime)
      return again && actor.ready() && actor.object()?.status?.lastFailure !== undefined
    },
  })
})

test('delete', async (t) => {
  await dieEverywhere(t, {
    fromReady: true,
    act: (actor) => actor.remove(),
    over: (actor) => actor.object() === undefined,
  })
})

test('a revision that fails its smoke test', async (t) => {
  await dieEverywhere(t, {
    cloud: ECHOING,
    spec: { smokeTest: SMOKE_TEST, async: { output: { ...OUTPUT, s3FailurePath: 's3://mooring-demo/failures/' } } },
    fromReady: true,
    act: (actor) => actor.patch({ spec: { environment: { FAIL_WITH: '500' } } }),
    over: (actor, before) =>
      actor.object()?.status?.rollout?.result === 'RolledBack' &&
      actor.endpoint()?.EndpointStatus === 'InService' &&
      actor.endpoint()?.EndpointConfigName === before?.EndpointConfigName,
  })
})

test('an update that is rolled back silently', async (t) => {
  await dieEverywhere(t, {
    fromReady: true,
    async act({ cloud, endpointName, patch }) {
      cloud.setFault({ name: 'endpoint.update-fails', subject: endpointName, reason: '' })
      // An update takes minutes, a new process seconds: the update does not end before the operator has seen it.
      cloud.setFault({ name: 'endpoint.stuck-updating', subject: endpointName })
      await patch({ spec: { environment: { MODE: 'bad' } } })
    },
    meanwhile(actor) {
      const { cloud, endpointName } = actor
      if (actor.object()?.status?.rollout?.result !== 'InProgress' || actor.endpoint()?.EndpointStatus !== 'Updating')
        return
      cloud.clearFaults()
      cloud.setFault({ name: 'endpoint.update-fails', subject: endpointName, reason: '' })
    },
    over: (actor) => actor.object()?.status?.rollout?.result === 'RolledBack',
  })
})
