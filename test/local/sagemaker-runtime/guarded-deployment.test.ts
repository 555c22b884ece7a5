import { join } from 'node:path'
import { GetMetricStatisticsCommand, PutMetricAlarmCommand } from '@aws-sdk/client-cloudwatch'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import {
  CreateEndpointCommand,
  CreateEndpointConfigCommand,
  CreateModelCommand,
  DescribeEndpointCommand,
  UpdateEndpointCommand,
} from '@aws-sdk/client-sagemaker'
import { InvokeEndpointAsyncCommand } from '@aws-sdk/client-sagemaker-runtime'
import test from 'ava'
import { virtualClock } from '../../../local/clock.ts'
import { eventually } from '../../operator/kube/support.ts'
import { cloudWithClients, REGISTRY, ROLE } from '../cloud-clients.ts'

const FIXTURE = join(import.meta.dirname, '..', 'fixtures', 'echo-server.ts')
const MINUTE = 60_000

test('a canary that answers with errors trips the alarm on its own metric and gives way to the old configuration', async (t) => {
  const clock = virtualClock()
  const { aws } = await cloudWithClients(t, {
    clock,
    images: [{ repository: 'echo', tag: '1', command: [process.execPath, FIXTURE], cwd: import.meta.dirname }],
  })
  await aws.s3.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  for (const [name, environment] of [
    ['good', {}],
    ['bad', { FAIL_WITH: '500' }],
  ] as const) {
    await aws.sagemaker.send(
      new CreateModelCommand({
        ModelName: name,
        ExecutionRoleArn: ROLE,
        PrimaryContainer: { Image: `${REGISTRY}/echo:1`, Environment: environment },
      }),
    )
    await aws.sagemaker.send(
      new CreateEndpointConfigCommand({
        EndpointConfigName: name,
        ProductionVariants: [
          { VariantName: 'AllTraffic', ModelName: name, InstanceType: 'ml.m5.xlarge', InitialInstanceCount: 1 },
        ],
        AsyncInferenceConfig: {
          OutputConfig: { S3OutputPath: 's3://bucket/out', S3FailurePath: 's3://bucket/failed' },
        },
      }),
    )
  }
  const describe = () => aws.sagemaker.send(new DescribeEndpointCommand({ EndpointName: 'ep' }))
  const inService = () => eventually('InService', async () => (await describe()).EndpointStatus === 'InService')
  await aws.sagemaker.send(new CreateEndpointCommand({ EndpointName: 'ep', EndpointConfigName: 'good' }))
  await inService()
  const metric = {
    Namespace: 'AWS/SageMaker',
    MetricName: 'Invocation5XXErrors',
    Dimensions: [
      { Name: 'EndpointName', Value: 'ep' },
      { Name: 'VariantName', Value: 'AllTraffic' },
      { Name: 'EndpointConfigName', Value: 'bad' },
    ],
  }
  await aws.cloudwatch.send(
    new PutMetricAlarmCommand({
      ...metric,
      AlarmName: 'errors-of-the-new-fleet',
      Statistic: 'Sum',
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 2,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      TreatMissingData: 'notBreaching',
    }),
  )
  await aws.sagemaker.send(
    new UpdateEndpointCommand({
      EndpointName: 'ep',
      EndpointConfigName: 'bad',
      DeploymentConfig: {
        BlueGreenUpdatePolicy: {
          TrafficRoutingConfiguration: {
            Type: 'CANARY',
            WaitIntervalInSeconds: 600,
            CanarySize: { Type: 'CAPACITY_PERCENT', Value: 50 },
          },
        },
        AutoRollbackConfiguration: { Alarms: [{ AlarmName: 'errors-of-the-new-fleet' }] },
      },
    }),
  )
  await eventually('baking', async () => {
    const pending = (await describe()).PendingDeploymentSummary
    return pending?.ProductionVariants?.[0]?.VariantStatus?.[0]?.Status === 'Baking'
  })

  for (let request = 0; request < 4; request++)
    await aws.runtime.send(new InvokeEndpointAsyncCommand({ EndpointName: 'ep', Body: Buffer.from('{}') }))
  const errors = async () => {
    const { Datapoints = [] } = await aws.cloudwatch.send(
      new GetMetricStatisticsCommand({
        ...metric,
        StartTime: new Date(clock.now() - MINUTE),
        EndTime: new Date(clock.now() + MINUTE),
        Period: 120,
        Statistics: ['Sum'],
      }),
    )
    return Datapoints[0]?.Sum
  }
  await eventually('two errors of the canary', async () => (await errors()) === 2)
  t.is((await describe()).EndpointStatus, 'Updating')
  await clock.advance(MINUTE)
  await inService()
  const back = await describe()
  t.is(back.EndpointConfigName, 'good')
  t.regex(back.FailureReason ?? '', /went into ALARM: errors-of-the-new-fleet/)
})
