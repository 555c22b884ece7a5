import { ApiError, type Call, type LogSink, type Service } from '../../service.ts'

type Stream = { createdAt: number; events: { timestamp: number; message: string }[] }

/** Per stream; older lines make room. */
const MAX_EVENTS = 10_000
const MAX_MESSAGE = 8192
const DEFAULT_PAGE = 50

/** CloudWatch Logs: what containers wrote, by group and stream. */
export function logsService(now: () => number): Service & LogSink {
  const groups = new Map<string, Map<string, Stream>>()

  const group = (call: Call): Map<string, Stream> => {
    const found = groups.get(call.input.logGroupName as string)
    if (!found) throw new ApiError('ResourceNotFoundException', 'The specified log group does not exist.')
    return found
  }
  const arn = (call: Call, name: string) => `arn:aws:logs:${call.region}:${call.accountId}:log-group:${name}`

  return {
    name: 'logs',
    append(groupName, streamName, message) {
      const streams = groups.get(groupName) ?? new Map<string, Stream>()
      groups.set(groupName, streams)
      const stream = streams.get(streamName) ?? { createdAt: Math.round(now()), events: [] }
      streams.set(streamName, stream)
      stream.events.push({ timestamp: Math.round(now()), message: message.slice(0, MAX_MESSAGE) })
      if (stream.events.length > MAX_EVENTS) stream.events.splice(0, stream.events.length - MAX_EVENTS)
    },
    operations: {
      DescribeLogGroups(call) {
        const prefix = (call.input.logGroupNamePrefix as string | undefined) ?? ''
        const names = [...groups.keys()].filter((name) => name.startsWith(prefix)).sort()
        return {
          logGroups: names.slice(0, (call.input.limit as number | undefined) ?? DEFAULT_PAGE).map((logGroupName) => ({
            logGroupName,
            arn: `${arn(call, logGroupName)}:*`,
            logGroupArn: arn(call, logGroupName),
          })),
        }
      },
      DescribeLogStreams(call) {
        const streams = [...group(call)].map(([logStreamName, { createdAt, events }]) => ({
          logStreamName,
          creationTime: createdAt,
          firstEventTimestamp: events[0]?.timestamp,
          lastEventTimestamp: events.at(-1)?.timestamp,
          lastIngestionTime: events.at(-1)?.timestamp,
          arn: `${arn(call, call.input.logGroupName as string)}:log-stream:${logStreamName}`,
        }))
        const prefix = (call.input.logStreamNamePrefix as string | undefined) ?? ''
        const byTime = call.input.orderBy === 'LastEventTime'
        const ordered = streams
          .filter((stream) => stream.logStreamName.startsWith(prefix))
          .sort((a, b) =>
            byTime
              ? (a.lastEventTimestamp ?? 0) - (b.lastEventTimestamp ?? 0)
              : a.logStreamName.localeCompare(b.logStreamName),
          )
        if (call.input.descending) ordered.reverse()
        return { logStreams: ordered.slice(0, (call.input.limit as number | undefined) ?? DEFAULT_PAGE) }
      },
      GetLogEvents(call) {
        const stream = group(call).get(call.input.logStreamName as string)
        if (!stream) throw new ApiError('ResourceNotFoundException', 'The specified log stream does not exist.')
        const limit = (call.input.limit as number | undefined) ?? MAX_EVENTS
        const events = call.input.startFromHead ? stream.events.slice(0, limit) : stream.events.slice(-limit)
        return {
          events: events.map((event) => ({ ...event, ingestionTime: event.timestamp })),
          nextForwardToken: `f/${stream.events.length}`,
          nextBackwardToken: `b/${Math.max(0, stream.events.length - limit)}`,
        }
      },
      FilterLogEvents(call) {
        const limit = (call.input.limit as number | undefined) ?? MAX_EVENTS
        const start = (call.input.startTime as number | undefined) ?? 0
        const prefix = (call.input.logStreamNamePrefix as string | undefined) ?? ''
        const events = [...group(call)]
          .filter(([name]) => name.startsWith(prefix))
          .flatMap(([logStreamName, stream]) => stream.events.map((event) => ({ ...event, logStreamName })))
          .filter((event) => event.timestamp >= start)
          .sort((a, b) => a.timestamp - b.timestamp)
        return {
          events: events
            .slice(0, limit)
            .map((event, index) => ({ ...event, ingestionTime: event.timestamp, eventId: String(index) })),
        }
      },
      DeleteLogGroup(call) {
        group(call)
        groups.delete(call.input.logGroupName as string)
        return {}
      },
    },
    state: () => ({ groups: [...groups].map(([name, streams]) => ({ name, streams: [...streams.keys()] })) }),
  }
}
