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
    '99th percentile',
    'converged',
    'calls/endpoint',
    `× lower bound (${bound})`,
    'idle calls/endpoint-h',
    'RSS',
    'CPU',
  ]
  const rows = results.map((result) => [
    String(result.size),
    `${quantile(result.applyToCreateMs, 0.5)} ms`,
    `${quantile(result.applyToCreateMs, 0.99)} ms`,
    `${result.convergeSeconds.toFixed(1)} s`,
    result.callsPerEndpoint.toFixed(2),
    (result.callsPerEndpoint / bound).toFixed(2),
    result.callsPerIdleEndpointHour.toFixed(1),
    `${result.rssMiB.toFixed(0)} MiB`,
    `${result.cpuSeconds.toFixed(1)} s`,
  ])
  const largest = results.at(-1)
  const perEndpoint = (calls: Map<string, number> = new Map()) =>
    [...calls]
      .sort(([, a], [, b]) => b - a)
      .map(([operation, count]) => `  ${operation} ${(count / (largest?.size ?? 1)).toFixed(2)}`)
  const by = <T>(value: (result: Measured) => T) =>
    Object.fromEntries(results.map((result) => [result.size, value(result)]))
  const round = (value: number, digits = 2) => Number(value.toFixed(digits))
  return [
    table([header, ...rows]),
    '',
    `Calls per endpoint until Ready, at ${largest?.size}:`,
    ...perEndpoint(largest?.callsByOperation),
    `Calls per idle endpoint and hour, at ${largest?.size}:`,
    ...perEndpoint(largest?.idleCallsByOperation),
    '',
    JSON.stringify({
      applyToCreateMs: by((result) => quantile(result.applyToCreateMs, 0.5)),
      callsPerEndpoint: round(largest?.callsPerEndpoint ?? 0),
      callsLowerBound: bound,
      callsPerIdleEndpointHour: by((result) => round(result.callsPerIdleEndpointHour, 1)),
      convergeSeconds: by((result) => round(result.convergeSeconds, 1)),
      rssMiB: by((result) => round(result.rssMiB, 0)),
      cpuSeconds: by((result) => round(result.cpuSeconds, 1)),
    }),
  ].join('\n')
}

/** The smallest value that at least the given share of the values does not exceed. */
function quantile(ascending: number[], share: number): number {
  return ascending[Math.max(0, Math.ceil(share * ascending.length) - 1)] ?? Number.NaN
}

function table(rows: string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) => row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('   ')).join('\n')
}
