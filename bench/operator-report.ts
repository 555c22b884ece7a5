import type { Measured } from './operator-run.ts'

/** What any client must send for one such endpoint: seven creating calls, and one look to learn that it is InService. */
export const LOWER_BOUND = [
  'sagemaker.CreateModel',
  'sagemaker.CreateEndpointConfig',
  'sagemaker.CreateEndpoint',
  'sagemaker.DescribeEndpoint',
  'application-autoscaling.RegisterScalableTarget',
  'application-autoscaling.PutScalingPolicy',
  'application-autoscaling.PutScalingPolicy',
  'monitoring.PutMetricAlarm',
]

/** A table for people, and as the last line one JSON object. */
export function report(results: Measured[], lowerBound: string[]): string {
  const bound = lowerBound.length
  const header = [
    'endpoints',
    'apply→CreateEndpoint',
    'converged',
    'calls/endpoint',
    `× lower bound (${bound})`,
    'idle calls/endpoint-h',
    'RSS',
    'CPU',
  ]
  const rows = results.map((result) => [
    String(result.size),
    `${result.applyToCreateMs} ms`,
    `${result.convergeSeconds.toFixed(1)} s`,
    result.callsPerEndpoint.toFixed(2),
    (result.callsPerEndpoint / bound).toFixed(2),
    result.callsPerIdleEndpointHour.toFixed(1),
    `${result.rssMiB.toFixed(0)} MiB`,
    `${result.cpuSeconds.toFixed(1)} s`,
  ])
  const largest = results.at(-1)
  const operations = [...(largest?.callsByOperation ?? [])]
    .sort(([, a], [, b]) => b - a)
    .map(([operation, count]) => `  ${operation} ${(count / (largest?.size ?? 1)).toFixed(2)}`)
  const by = <T>(value: (result: Measured) => T) =>
    Object.fromEntries(results.map((result) => [result.size, value(result)]))
  const round = (value: number, digits = 2) => Number(value.toFixed(digits))
  return [
    table([header, ...rows]),
    '',
    `Calls per endpoint until Ready, at ${largest?.size}:`,
    ...operations,
    '',
    JSON.stringify({
      applyToCreateMs: by((result) => result.applyToCreateMs),
      callsPerEndpoint: round(largest?.callsPerEndpoint ?? 0),
      callsLowerBound: bound,
      callsPerIdleEndpointHour: by((result) => round(result.callsPerIdleEndpointHour, 1)),
      convergeSeconds: by((result) => round(result.convergeSeconds, 1)),
      rssMiB: by((result) => round(result.rssMiB, 0)),
      cpuSeconds: by((result) => round(result.cpuSeconds, 1)),
    }),
  ].join('\n')
}

function table(rows: string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) => row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('   ')).join('\n')
}
