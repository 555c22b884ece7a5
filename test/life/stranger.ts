import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { SageMaker } from '@aws-sdk/client-sagemaker'
import type { LocalCloud } from '../../local/cloud.ts'
import { clients, type RegionClients } from '../../operator/providers/clients.ts'
import { ROLE } from '../local/cloud-clients.ts'
import { type CloudView, REGION, view } from './view.ts'

const IMAGE = '123456789012.dkr.ecr.us-east-1.amazonaws.com/sam-lite:1'
/** Where the objects of test/operator/api/manifests.ts have their answers put. */
const OUTPUT_BUCKET = 'mooring-demo'
/** A hang detector. */
const PATIENCE_MS = 30_000
const DIMENSION = 'sagemaker:variant:DesiredInstanceCount'

/** Somebody else in the same AWS account: owns things whose names look like ours, and meddles with what is ours. */
export type Stranger = {
  aws: RegionClients
  /** Plants a whole endpoint with its scaling, under a name that begins as those of the namespace's objects do. */
  settleIn(namespace: string): Promise<void>
  /** Plants a model, a configuration and an alarm whose names begin with the endpoint's. */
  plantBeside(endpointName: string, uid: string): Promise<void>
  /** Takes the name for an endpoint of the stranger's own. Answers whether it was free. */
  takeName(endpointName: string): Promise<boolean>
  leaveName(endpointName: string): Promise<void>
  /** Deletes it as soon as its state allows. */
  deleteEndpoint(endpointName: string): Promise<void>
  /** Starts one instance. */
  wake(endpointName: string): Promise<void>
  owns(name: string): boolean
  /** Whether the stranger has an endpoint under a name of ours. */
  hasTaken(): boolean
  /** What is not as the stranger left it, in words. */
  complaints(): Promise<string[]>
  close(): void
}

type Planted = { kind: 'models' | 'endpointConfigs' | 'endpoints'; name: string; content: unknown }

export function stranger(cloud: LocalCloud): Stranger {
  const made = clients({ onRequest() {}, pathStyle: true, endpoint: cloud.url })
  const aws = made.region(REGION)
  const { sagemaker, autoscaling, cloudwatch } = aws
  const planted: Planted[] = []
  const alarms: Parameters<typeof cloudwatch.putMetricAlarm>[0][] = []
  const targets: { ResourceId: string; MinCapacity: number; MaxCapacity: number }[] = []
  const names = new Set<string>()
  const taken = new Set<string>()

  const note = (kind: Planted['kind'], name: string) => {
    planted.push({ kind, name, content: find(view(cloud), kind, name) })
  }
  const plantAlarm = async (name: string) => {
    const alarm = {
      AlarmName: name,
      Namespace: 'Stranger',
      MetricName: 'Load',
      Statistic: 'Average',
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 42,
      ComparisonOperator: 'GreaterThanThreshold',
    } as const
    names.add(name)
    await cloudwatch.putMetricAlarm(alarm)
    alarms.push(alarm)
  }
  // An answer that is lost leaves something all the same: whose it is must be known before.
  const model = async (name: string, Tags: SageMakerTags) => {
    names.add(name)
    await sagemaker.createModel({ ModelName: name, ExecutionRoleArn: ROLE, PrimaryContainer: { Image: IMAGE }, Tags })
    note('models', name)
  }
  const config = async (name: string, modelName: string, Tags: SageMakerTags) => {
    names.add(name)
    await sagemaker.createEndpointConfig({
      EndpointConfigName: name,
      ProductionVariants: [
        { VariantName: 'AllTraffic', ModelName: modelName, InstanceType: 'ml.g5.2xlarge', InitialInstanceCount: 1 },
      ],
      AsyncInferenceConfig: { OutputConfig: { S3OutputPath: 's3://stranger/output/' } },
      Tags,
    })
    note('endpointConfigs', name)
  }

  /** Until the endpoint's state allows it, or it is gone. */
  const persistently = async (EndpointName: string, act: () => Promise<unknown>): Promise<void> => {
    for (const end = Date.now() + PATIENCE_MS; ; await delay(50)) {
      try {
        return void (await act())
      } catch (error) {
        if (!find(view(cloud), 'endpoints', EndpointName)) return
        if (Date.now() > end) throw error
      }
    }
  }
  const deleteEndpoint = (EndpointName: string) =>
    persistently(EndpointName, () => sagemaker.deleteEndpoint({ EndpointName }))

  return {
    aws,
    async settleIn(namespace) {
      const name = `${namespace}-a`
      const tags = [
        { Key: 'mooring.dev/cluster', Value: 'another-cluster' },
        { Key: 'mooring.dev/namespace', Value: namespace },
        { Key: 'mooring.dev/name', Value: 'a' },
      ]
      await aws.s3.createBucket({ Bucket: OUTPUT_BUCKET })
      await model(STRANGERS, [])
      await config(STRANGERS, STRANGERS, [])
      names.add(name)
      await sagemaker.createEndpoint({ EndpointName: name, EndpointConfigName: STRANGERS, Tags: tags })
      while (find(view(cloud), 'endpoints', name)?.EndpointStatus !== 'InService')
        await new Promise((resolve) => setImmediate(resolve))
      note('endpoints', name)
      const target = { ResourceId: `endpoint/${name}/variant/AllTraffic`, MinCapacity: 1, MaxCapacity: 7 }
      await autoscaling.registerScalableTarget({
        ServiceNamespace: 'sagemaker',
        ScalableDimension: DIMENSION,
        ...target,
      })
      targets.push(target)
      await plantAlarm(`${name}-wake`)
    },
    async plantBeside(endpointName, uid) {
      const name = `${endpointName}-f0e1d2c3`
      if (names.has(name)) return
      const tags = [
        { Key: 'mooring.dev/cluster', Value: 'another-cluster' },
        { Key: 'mooring.dev/uid', Value: uid },
      ]
      await model(name, tags)
      await config(name, name, [])
      await plantAlarm(`${endpointName}-wake-up`)
    },
    async takeName(endpointName) {
      try {
        await sagemaker.createEndpoint({ EndpointName: endpointName, EndpointConfigName: STRANGERS })
      } catch {
        // The answer may have been lost, and only the repeat been refused.
        const there = find(view(cloud), 'endpoints', endpointName)
        // One of ours may have been moved to the stranger's configuration.
        if (there?.EndpointConfigName !== STRANGERS || !isDeepStrictEqual(there.Tags, [])) return false
      }
      names.add(endpointName)
      taken.add(endpointName)
      return true
    },
    async leaveName(endpointName) {
      names.delete(endpointName)
      taken.delete(endpointName)
      await deleteEndpoint(endpointName)
    },
    deleteEndpoint,
    async wake(EndpointName) {
      const DesiredWeightsAndCapacities = [{ VariantName: 'AllTraffic', DesiredInstanceCount: 1 }]
      await persistently(EndpointName, () =>
        sagemaker.updateEndpointWeightsAndCapacities({ EndpointName, DesiredWeightsAndCapacities }),
      )
    },
    hasTaken: () => taken.size > 0,
    owns: (name) => names.has(name),
    async complaints() {
      const now = view(cloud)
      const changed = planted
        .filter(({ kind, name, content }) => !isDeepStrictEqual(find(now, kind, name), content))
        .map(({ kind, name, content }) => {
          const found = JSON.stringify(find(now, kind, name))
          return `the stranger's ${name} of ${kind} was ${JSON.stringify(content)} and is ${found}`
        })
      for (const name of taken) {
        const found = find(now, 'endpoints', name)
        if (found?.EndpointConfigName !== STRANGERS || !isDeepStrictEqual(found.Tags, []))
          changed.push(`the stranger's endpoint ${name}, under our name, is ${JSON.stringify(found)}`)
      }
      const { MetricAlarms = [] } = await cloudwatch.describeAlarms({})
      for (const alarm of alarms) {
        const found = MetricAlarms.find(({ AlarmName }) => AlarmName === alarm.AlarmName)
        const same = Object.entries(alarm).every(([key, value]) => found?.[key as keyof typeof found] === value)
        if (!same) changed.push(`the stranger's alarm ${alarm.AlarmName} is ${JSON.stringify(found)}`)
      }
      for (const { ResourceId, MinCapacity, MaxCapacity } of targets) {
        const found = now.targets.find(({ resourceId }) => resourceId === ResourceId)
        if (found?.min !== MinCapacity || found.max !== MaxCapacity)
          changed.push(`the stranger's scalable target ${ResourceId} is ${JSON.stringify(found)}`)
      }
      return changed
    },
    close: () => made.close(),
  }
}

type SageMakerTags = NonNullable<Parameters<SageMaker['createModel']>[0]['Tags']>

/** The configuration and the model that are the stranger's. */
export const STRANGERS = 'stranger'

function find(now: CloudView, kind: Planted['kind'], name: string) {
  const key = { models: 'ModelName', endpointConfigs: 'EndpointConfigName', endpoints: 'EndpointName' } as const
  const found = (now[kind] as Record<string, unknown>[]).find((each) => each[key[kind]] === name)
  return found && (JSON.parse(JSON.stringify(found)) as Record<string, unknown>)
}
