import type { StepScaling, TargetTracking } from './scaling.ts'

export type Target = {
  arn: string
  resourceId: string
  endpointName: string
  variantName: string
  min: number
  max: number
  created: Date
  tags: Map<string, string>
  suspended: SuspendedState
  /** On the cloud's clock. */
  lastScaleOut: number
  lastScaleIn: number
}

export type SuspendedState = {
  DynamicScalingInSuspended: boolean
  DynamicScalingOutSuspended: boolean
  ScheduledScalingSuspended: boolean
}

export type Policy = {
  arn: string
  name: string
  resourceId: string
  type: 'TargetTrackingScaling' | 'StepScaling'
  created: Date
  targetTracking?: TargetTracking
  stepScaling?: StepScaling
  /** The alarms that a target tracking policy keeps by itself: high and low. */
  alarms: { name: string; arn: string }[]
}

export type Activity = {
  id: string
  resourceId: string
  cause: string
  description: string
  start: Date
  /** Undefined while the change is under way. */
  end: Date | undefined
  status: 'InProgress' | 'Successful' | 'Failed'
  message: string
}
