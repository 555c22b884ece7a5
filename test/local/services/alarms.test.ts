import {
  DeleteAlarmsCommand,
  DescribeAlarmsCommand,
  PutMetricAlarmCommand,
  SetAlarmStateCommand,
} from '@aws-sdk/client-cloudwatch'
import { DescribeEndpointCommand, UpdateEndpointCommand } from '@aws-sdk/client-sagemaker'
import test, { type ExecutionContext } from 'ava'
import { virtualClock } from '../../../local/clock.ts'
import { eventually } from '../../operator/kube/support.ts'
import { cloudWithClients, endpointInService } from '../cloud-clients.ts'

const MINUTE = 60_000

async function world(t: ExecutionContext) {
  const clock = virtualClock()
  const { aws } = await cloudWithClients(t, { clock })
  await aws.cloudwatch.send(
    new PutMetricAlarmCommand({
      AlarmName: 'errors',
      Namespace: 'N',
      MetricName: 'M',
      Statistic: 'Sum',
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      TreatMissingData: 'notBreaching',
    }),
  )
  const set = (StateValue: 'OK' | 'ALARM', AlarmName = 'errors') =>
    aws.cloudwatch.send(new SetAlarmStateCommand({ AlarmName, StateValue, StateReason: 'by hand' }))
  const alarm = async () => (await aws.cloudwatch.send(new DescribeAlarmsCommand({}))).MetricAlarms?.[0]
  return { aws, clock, set, alarm }
}

test('a state set by hand holds until the alarm is judged again', async (t) => {
  const { clock, set, alarm } = await world(t)
  await t.throwsAsync(set('ALARM', 'none'), { name: 'ResourceNotFound' })
  await set('ALARM')
  t.like(await alarm(), { StateValue: 'ALARM', StateReason: 'by hand' })
  await clock.advance(MINUTE)
  t.like(await alarm(), { StateValue: 'OK' })
})

test('an alarm that fires during a deployment brings the old configuration back; a deleted one is watched no more', async (t) => {
  const { aws, clock, set } = await world(t)
  await endpointInService(aws)
  const update = () =>
    aws.sagemaker.send(
      new UpdateEndpointCommand({
        EndpointName: 'ep',
        EndpointConfigName: 'ep',
        DeploymentConfig: {
          BlueGreenUpdatePolicy: {
            TrafficRoutingConfiguration: { Type: 'ALL_AT_ONCE', WaitIntervalInSeconds: 0 },
            TerminationWaitInSeconds: 3600,
          },
          AutoRollbackConfiguration: { Alarms: [{ AlarmName: 'errors' }] },
        },
      }),
    )
  const describe = () => aws.sagemaker.send(new DescribeEndpointCommand({ EndpointName: 'ep' }))
  const baking = () =>
    eventually('baking', async () => {
      const pending = (await describe()).PendingDeploymentSummary
      return pending?.ProductionVariants?.[0]?.VariantStatus?.[0]?.Status === 'Baking'
    })
  const inService = () => eventually('InService', async () => (await describe()).EndpointStatus === 'InService')

  await update()
  await baking()
  await set('ALARM')
  await inService()
  t.regex((await describe()).FailureReason ?? '', /went into ALARM: errors/)

  await set('OK')
  await update()
  await baking()
  await aws.cloudwatch.send(new DeleteAlarmsCommand({ AlarmNames: ['errors'] }))
  await clock.advance(3600_000)
  await inService()
  t.is((await describe()).FailureReason, undefined)
  await t.throwsAsync(update(), { name: 'ValidationException', message: /Could not find the CloudWatch alarm/ })
})
