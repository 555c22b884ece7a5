import { FAILURES } from './errors.ts'
import type { EndpointConfig, Model, SagemakerDependencies } from './types.ts'

/**
 * SageMaker proves its right to publish before it starts anything: a TestNotification to each topic.
 * Resolves with the FailureReason when a topic refuses it.
 */
export async function refusedTopic(
  deps: Pick<SagemakerDependencies, 'notifier'> & { model: (name: string) => Model | undefined },
  config: EndpointConfig,
): Promise<string | undefined> {
  const topics = config.async?.OutputConfig?.NotificationConfig
  const message = JSON.stringify({ eventVersion: '1.0', eventSource: 'aws:sagemaker', eventName: 'TestNotification' })
  for (const topic of [topics?.SuccessTopic, topics?.ErrorTopic]) {
    if (topic === undefined) continue
    try {
      await deps.notifier.publish(topic, message)
    } catch {
      const role = deps.model(config.variants[0]?.ModelName ?? '')?.input.ExecutionRoleArn ?? ''
      return FAILURES.topic(role, topic)
    }
  }
  return undefined
}
