import type { AsyncInferenceEndpointSpec } from '../../api/async-inference-endpoint.ts'

/**
 * The ARN of something in the object's region and account. The account is that of the execution role: IAM passes no role of another
 * account to SageMaker, so that it is Mooring's own too.
 */
export function arnOf(
  { region, executionRoleArn }: Pick<AsyncInferenceEndpointSpec, 'region' | 'executionRoleArn'>,
  service: string,
  resource: string,
): string {
  const [, partition = 'aws', , , account = ''] = executionRoleArn.split(':')
  return `arn:${partition}:${service}:${region}:${account}:${resource}`
}
