import type { LocalCloud } from '../../local/cloud.ts'

export const REGION = 'us-east-1'

type Tags = { Key: string; Value: string }[]

/** What is in the local cloud, read past its API: no fault bends it and no call is counted. */
export type CloudView = {
  models: {
    ModelName: string
    PrimaryContainer: { Image: string; Environment?: Record<string, string> }
    Tags: Tags
  }[]
  endpointConfigs: {
    EndpointConfigName: string
    ProductionVariants: { InstanceType?: string; InstancePools?: { InstanceType: string }[]; ModelName: string }[]
    Tags: Tags
  }[]
  endpoints: {
    EndpointName: string
    EndpointArn: string
    EndpointStatus: string
    EndpointConfigName: string
    FailureReason?: string
    Tags: Tags
  }[]
  targets: { resourceId: string; min: number; max: number }[]
  policies: { name: string; resourceId: string; type: string }[]
  alarms: { name: string }[]
}

export function view(cloud: LocalCloud): CloudView {
  const state = cloud.state() as unknown as {
    sagemaker: Pick<CloudView, 'models' | 'endpointConfigs' | 'endpoints'>
    'application-autoscaling': { scalableTargets: CloudView['targets']; scalingPolicies: CloudView['policies'] }
    monitoring: { alarms: CloudView['alarms'] }
  }
  const { scalableTargets, scalingPolicies } = state['application-autoscaling']
  const { models, endpointConfigs, endpoints } = state.sagemaker
  return {
    models,
    endpointConfigs,
    endpoints,
    targets: scalableTargets,
    policies: scalingPolicies,
    alarms: state.monitoring.alarms,
  }
}

export function tag(tagged: { Tags: Tags }, key: string): string | undefined {
  return tagged.Tags.find(({ Key }) => Key === key)?.Value
}
