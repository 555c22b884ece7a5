import type { AsyncInferenceEndpointSpec } from '../../api/async-inference-endpoint.ts'
import { arnOf } from './arns.ts'

/** The topics of an object that asks for topics of its own. */
export type TopicArns = { success: string; error: string }

/** Where topics named after `base` are, or will be; undefined for an object that names its own or wants none. */
export function topicArns(
  spec: Pick<AsyncInferenceEndpointSpec, 'region' | 'executionRoleArn' | 'async'>,
  base: string,
): TopicArns | undefined {
  if (!spec.async.notifications?.createTopics) return undefined
  return { success: arnOf(spec, 'sns', `${base}-success`), error: arnOf(spec, 'sns', `${base}-error`) }
}
