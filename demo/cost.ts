/** On-demand hosting prices in us-east-1, USD an hour, as of 2026-11-21. Dated defaults: billing also covers volumes and data. */
const HOURLY_USD: Record<string, number> = {
  'ml.g4dn.xlarge': 0.736,
  'ml.g5.xlarge': 1.408,
  'ml.g5.2xlarge': 1.515,
  'ml.m5.xlarge': 0.23,
}

const HOURS_A_MONTH = 720

export type Cost = {
  instanceType: string
  hourlyUsd: number
  /** One instance, always on. */
  monthAlwaysOnUsd: number
  /** Of the time watched, the share in which instances ran; above 1 when several did. */
  utilisation: number
  /** The same month with instances running for that share of it. */
  monthAsUsedUsd: number
}

/** Compares one instance always on with what really ran. Undefined for an instance type without a known price. */
export function cost(instanceType: string, instanceSeconds: number, watchedSeconds: number): Cost | undefined {
  const hourlyUsd = HOURLY_USD[instanceType]
  if (hourlyUsd === undefined || watchedSeconds <= 0) return undefined
  const utilisation = instanceSeconds / watchedSeconds
  const monthAlwaysOnUsd = hourlyUsd * HOURS_A_MONTH
  return { instanceType, hourlyUsd, monthAlwaysOnUsd, utilisation, monthAsUsedUsd: monthAlwaysOnUsd * utilisation }
}
