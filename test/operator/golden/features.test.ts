import { CloudWatchClient, PutMetricAlarmCommand } from '@aws-sdk/client-cloudwatch'
import test from 'ava'
import { testCluster } from '../../kubernetes.ts'
import { anEndpoint, withField } from '../api/manifests.ts'
import { cloudForFile, endpointIn, isTrue, namesIn } from '../controllers/world.ts'
import { callLog, golden, looks, reason, started } from './golden.ts'

const log = callLog()
const cloud = await cloudForFile({ onCall: log.onCall })
test.after.always(() => cloud.stop())
const CANARY = {
  strategy: 'Canary',
  step: { type: 'CapacityPercent', value: 25 },
  waitIntervalSeconds: 1,
  autoRollbackAlarms: ['errors'],
}
const POLICY = {
  BlueGreenUpdatePolicy: {
    TrafficRoutingConfiguration: {
      Type: 'CANARY',
      WaitIntervalInSeconds: 1,
      CanarySize: { Type: 'CAPACITY_PERCENT', Value: 25 },
    },
    TerminationWaitInSeconds: 0,
  },
  AutoRollbackConfiguration: { Alarms: [{ AlarmName: 'errors' }] },
}

golden(
  ['endpoint Create=DeploymentConfig', 'endpoint Update=DeploymentConfig', 'endpoint ReadOne=UpdateDeploymentConfig'],
  async (t) => {
    const cluster = testCluster()
    const refused = await cluster.create(
      withField(anEndpoint(await cluster.namespace('golden')), 'spec.rollout', {
        ...CANARY,
        step: { type: 'CapacityPercent', value: 60 },
      }),
    )
    t.true('refused' in refused && /must be at most 50 percent for Canary/.test(refused.refused))

    await new CloudWatchClient().send(
      new PutMetricAlarmCommand({
        AlarmName: 'errors',
        Namespace: 'AWS/SageMaker',
        MetricName: 'Invocation5XXErrors',
        Statistic: 'Sum',
        Period: 60,
        EvaluationPeriods: 1,
        Threshold: 1,
        ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      }),
    )
    const w = await started(t)
    await w.apply({ spec: { rollout: CANARY } })
    const before = await w.ready()
    const subject = await w.nameInCloud()
    cloud.setFault({ name: 'endpoint.stuck-updating', subject, times: 10 })
    await w.patch({ spec: { environment: { MODE: 'new' } } })
    await reason(w, 'EndpointInService', /^Updating$/)
    t.false(isTrue(await w.endpoint(), 'Ready'))
    const after = await w.ready()
    t.not(after.status?.endpointConfigName, before.status?.endpointConfigName)
    const endpoint = endpointIn(cloud, subject)
    t.is(endpoint?.EndpointConfigName, after.status?.endpointConfigName)
    t.like(endpoint, { LastDeploymentConfig: POLICY })
  },
)

golden('community#1731', async (t) => {
  const w = await started(t)
  await w.apply({ spec: { tags: { team: 'vision', stage: 'test' } } })
  await w.ready()
  const subject = await w.nameInCloud()
  const tags = () => {
    const { Tags = [] } = (endpointIn(cloud, subject) ?? {}) as { Tags?: { Key: string; Value: string }[] }
    return Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value]))
  }
  t.like(tags(), { team: 'vision', stage: 'test' })
  await w.patch({ spec: { tags: { team: 'floor-plans', stage: null } } })
  await w.until('the tags are as declared', () => tags().team === 'floor-plans' && tags().stage === undefined)
  await w.ready()
  t.deepEqual(log.of(subject, /^UpdateEndpoint$/), [])
})

golden('community#1706', async (t) => {
  const w = await started(t)
  const schedule = [{ name: 'office-hours', schedule: 'cron(0 8 ? * MON-FRI *)', minInstances: 1 }]
  await w.apply({ spec: { scaling: { minInstances: 0, maxInstances: 2, schedule } } })
  await w.ready()
  const subject = await w.nameInCloud()
  t.deepEqual(log.of(subject, /^PutScheduledAction$/), ['PutScheduledAction'])
  await looks(w)
  t.deepEqual(log.of(subject, /^PutScheduledAction$/), ['PutScheduledAction'])
  const actions = () => JSON.stringify(cloud.state()['application-autoscaling']).includes('office-hours')
  t.true(actions())
  await w.remove()
  await w.gone()
  t.deepEqual(namesIn(cloud, subject), [])
  t.false(actions())
})
