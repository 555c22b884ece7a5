import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from './commands.ts'
import { STRANGERS } from './stranger.ts'
import { tag, view } from './view.ts'
import type { Subject, World } from './world.ts'

type Act = Extract<Command, { do: 'foreign' }>['act']

const DIMENSION = 'sagemaker:variant:DesiredInstanceCount'

/**
 * Somebody else's act on what belongs to the object. It may be refused, as by an endpoint in progress, or meet a fault; what became
 * of it is in the history.
 */
export async function meddle(world: World, subject: Subject, act: Act): Promise<void> {
  const { stranger, history } = world
  try {
    history.add('stranger', `${act} ${subject.endpointName}: ${(await attempt(world, subject, act)) ?? 'done'}`)
  } catch (error) {
    history.add('stranger', `${act} ${subject.endpointName}: ${String(error)}`)
  }
  if (act === 'take-name' && stranger.owns(subject.endpointName)) subject.facts.add('name may be taken')
}

async function attempt(world: World, subject: Subject, act: Act): Promise<string | undefined> {
  const { endpointName: name, uid, facts } = subject
  const { stranger, cloud } = world
  const { sagemaker, autoscaling, cloudwatch } = stranger.aws
  const variant = {
    ServiceNamespace: 'sagemaker',
    ResourceId: `endpoint/${name}/variant/AllTraffic`,
    ScalableDimension: DIMENSION,
  } as const
  const ours = <T extends { Tags: { Key: string; Value: string }[] }>(all: T[]) =>
    all.filter((each) => tag(each, 'mooring.dev/uid') === uid && tag(each, 'mooring.dev/cluster') === world.namespace)
  switch (act) {
    case 'delete-endpoint':
      if (stranger.owns(name)) return 'it is the stranger’s'
      await sagemaker.deleteEndpoint({ EndpointName: name })
      return undefined
    case 'delete-config': {
      facts.add('configuration taken away').add('update may fail')
      for (const { EndpointConfigName } of ours(view(cloud).endpointConfigs))
        await sagemaker.deleteEndpointConfig({ EndpointConfigName })
      return undefined
    }
    case 'delete-model': {
      facts.add('update may fail').add('may fail')
      for (const { ModelName } of ours(view(cloud).models)) await sagemaker.deleteModel({ ModelName })
      return undefined
    }
    case 'delete-alarm':
      await cloudwatch.deleteAlarms({ AlarmNames: [`${name}-wake`] })
      return undefined
    case 'delete-target':
      await autoscaling.deregisterScalableTarget(variant)
      return undefined
    case 'delete-policy':
      await autoscaling.deleteScalingPolicy({ ...variant, PolicyName: `${name}-wake` })
      return undefined
    case 'update-endpoint':
      if (stranger.owns(name)) return 'it is the stranger’s'
      facts.add('update may fail')
      await sagemaker.updateEndpoint({ EndpointName: name, EndpointConfigName: STRANGERS })
      return undefined
    case 'scale':
      facts.add('may be asleep')
      await sagemaker.updateEndpointWeightsAndCapacities({
        EndpointName: name,
        DesiredWeightsAndCapacities: [{ VariantName: 'AllTraffic', DesiredInstanceCount: 0 }],
      })
      return undefined
    case 'change-alarm':
      if (!view(cloud).alarms.some((alarm) => alarm.name === `${name}-wake`)) return 'there is none'
      await cloudwatch.putMetricAlarm({
        AlarmName: `${name}-wake`,
        Namespace: 'AWS/SageMaker',
        MetricName: 'HasBacklogWithoutCapacity',
        Dimensions: [{ Name: 'EndpointName', Value: name }],
        Statistic: 'Average',
        Period: 60,
        EvaluationPeriods: 9,
        Threshold: 5,
        ComparisonOperator: 'GreaterThanThreshold',
      })
      return undefined
    case 'change-target':
      if (!view(cloud).targets.some(({ resourceId }) => resourceId === variant.ResourceId)) return 'there is none'
      await autoscaling.registerScalableTarget({ ...variant, MinCapacity: 0, MaxCapacity: 9 })
      return undefined
    case 'change-tag': {
      const endpoint = view(cloud).endpoints.find(({ EndpointName }) => EndpointName === name)
      if (!endpoint || stranger.owns(name)) return 'there is none'
      await sagemaker.addTags({ ResourceArn: endpoint.EndpointArn, Tags: [{ Key: 'colour', Value: 'theirs' }] })
      return undefined
    }
    case 'plant-beside':
      await stranger.plantBeside(name, uid)
      return undefined
    case 'take-name':
      return await takeName(world, subject)
  }
}

/** Requests of the dead that are on their way have arrived by then. */
const ARRIVED_MS = 100

/**
 * SageMaker has no conditional writes: what changes hands between a look and the act that follows, or behind an answer from the
 * past, nobody can tell. So a name that was ours changes hands only while no operator runs, and all answers are of now.
 */
async function takeName(world: World, subject: Subject): Promise<string | undefined> {
  const { name, endpointName } = subject
  const { stranger, clock, facts, operators } = world
  if (facts.has('answers may be stale')) return 'answers may be stale'
  // What is left beside it would not be collected; see stripFinalizer.
  if (subject.deleted) return 'the object is deleted'
  if ((await world.object(name))?.status?.endpointArn) {
    operators.crashAll()
    await delay(ARRIVED_MS)
  }
  // Creation times, by which one endpoint is told from the next of its name, are kept in whole seconds.
  clock.jump(1_000)
  return (await stranger.takeName(endpointName)) ? undefined : 'it is taken'
}
