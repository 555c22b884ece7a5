import type {
  DescribeLogStreamsCommandInput,
  DescribeLogStreamsCommandOutput,
  GetLogEventsCommandInput,
  GetLogEventsCommandOutput,
} from '@aws-sdk/client-cloudwatch-logs'
import { type Operation, within } from './call.ts'
import { isNoLogs } from './errors.ts'

export type LogsApi = {
  describeLogStreams: Operation<DescribeLogStreamsCommandInput, DescribeLogStreamsCommandOutput>
  getLogEvents: Operation<GetLogEventsCommandInput, GetLogEventsCommandOutput>
}

export const MAX_LINES = 50
const MAX_LINE_LENGTH = 512
/** SageMaker's own log of asynchronous requests stands beside the container's. */
const PLATFORM_LOG = /\/data-log$/

/** The containers' logs in CloudWatch. */
export function containerLogs(api: LogsApi) {
  return {
    /** The last lines of the container that wrote last, oldest first; none when no container of the endpoint ever wrote. */
    async tail(endpointName: string, signal: AbortSignal): Promise<string[]> {
      const group = `/aws/sagemaker/Endpoints/${endpointName}`
      try {
        const { logStreams = [] } = await api.describeLogStreams(
          { logGroupName: group, orderBy: 'LastEventTime', descending: true, limit: 10 },
          within(signal),
        )
        const newest = logStreams.find(({ logStreamName = '' }) => logStreamName && !PLATFORM_LOG.test(logStreamName))
        if (!newest?.logStreamName) return []
        const { events = [] } = await api.getLogEvents(
          { logGroupName: group, logStreamName: newest.logStreamName, startFromHead: false, limit: MAX_LINES },
          within(signal),
        )
        return events
          .flatMap(({ message = '' }) => message.trimEnd().split('\n'))
          .slice(-MAX_LINES)
          .map((line) => line.slice(0, MAX_LINE_LENGTH))
      } catch (error) {
        if (isNoLogs(error)) return []
        throw error
      }
    },
  }
}

export type ContainerLogs = ReturnType<typeof containerLogs>
