import { parseArgs } from 'node:util'
import { listEndpoints } from './kubectl.ts'
import { table } from './table.ts'

export const COST_USAGE = `kubectl mooring cost [-n NS | -A]

  -n, --namespace NS           default: kubectl's
  -A, --all-namespaces         the endpoints of every namespace
`

/** What the operator wrote down of an endpoint; see docs/cost.md. */
export type Costed = {
  metadata: { namespace: string; name: string; creationTimestamp: string }
  spec: { budget?: { monthlyUsd: number } }
  status?: {
    cost?: {
      month: string
      monthToDate?: string
      hourlyPrice?: string
      hourly?: string
      alwaysOn?: string
      priceSource?: string
      priceAsOf?: string
      message?: string
      instances: number
      countedAt: string
      usage: { instanceType: string }[]
    }
  }
}

const HOURS_PER_MONTH = 730
const HOUR_MS = 3_600_000
const COLUMNS = ['NAMESPACE', 'NAME', 'TYPE', 'RUNNING', 'USD/H', 'MONTH', 'ALWAYS-ON', 'SAVED', 'BUDGET', 'PRICE']
const UNKNOWN = '-'

/** Prints what endpoints cost. Answers the exit code. */
export async function cost(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      namespace: { type: 'string', short: 'n' },
      'all-namespaces': { type: 'boolean', short: 'A', default: false },
    },
  })
  if (positionals.length > 0 || (values.namespace && values['all-namespaces'])) {
    process.stderr.write(COST_USAGE)
    return 2
  }
  const endpoints = await listEndpoints<Costed>(values['all-namespaces'] ? { all: true } : values)
  process.stdout.write(endpoints.length > 0 ? costTable(endpoints, new Date()) : 'No endpoints found.\n')
  return 0
}

/**
 * A table with a line of sums. The month so far and what is saved are of `now`: what the operator last counted, and what has run since.
 */
export function costTable(endpoints: readonly Costed[], now: Date): string {
  const lines = endpoints.map((endpoint) => line(endpoint, now))
  const sum = (of: (values: Values) => number | undefined) =>
    amount(lines.reduce((total, { values }) => total + (of(values) ?? 0), 0))
  const total = [
    '',
    'TOTAL',
    '',
    String(lines.reduce((count, { values }) => count + values.running, 0)),
    sum(({ hourly }) => hourly),
    sum(({ month }) => month),
    sum(({ alwaysOn }) => alwaysOn),
    sum(({ saved }) => saved),
    '',
    '',
  ]
  return table([COLUMNS, ...lines.map(({ cells }) => cells), total])
}

type Values = {
  running: number
  hourly: number | undefined
  month: number | undefined
  alwaysOn: number | undefined
  saved: number | undefined
}

function line({ metadata, spec, status }: Costed, now: Date): { cells: string[]; values: Values } {
  const values = valuesOf(status?.cost, new Date(metadata.creationTimestamp), now)
  const { priceSource, priceAsOf, usage } = status?.cost ?? {}
  const cells = [
    metadata.namespace,
    metadata.name,
    usage?.[0]?.instanceType ?? UNKNOWN,
    String(values.running),
    shown(values.hourly, 3),
    shown(values.month),
    shown(values.alwaysOn),
    shown(values.saved),
    spec.budget ? String(spec.budget.monthlyUsd) : UNKNOWN,
    priceSource ? [priceSource, priceAsOf].filter(Boolean).join(' ') : status?.cost ? 'unknown' : UNKNOWN,
  ]
  return { cells, values }
}

function valuesOf(cost: NonNullable<Costed['status']>['cost'], created: Date, now: Date): Values {
  const price = number(cost?.hourlyPrice)
  const alwaysOn = number(cost?.alwaysOn)
  const values = { running: cost?.instances ?? 0, hourly: number(cost?.hourly), alwaysOn }
  const counted = number(cost?.monthToDate)
  if (!cost || price === undefined || alwaysOn === undefined || counted === undefined)
    return { ...values, month: counted, saved: undefined }
  const hoursSince = (time: number) => Math.max(0, now.getTime() - time) / HOUR_MS
  const month = counted + cost.instances * price * hoursSince(Date.parse(cost.countedAt))
  const sinceStart = hoursSince(Math.max(Date.parse(`${cost.month}-01T00:00:00Z`), created.getTime()))
  return { ...values, month, saved: Math.max(0, (alwaysOn / HOURS_PER_MONTH) * sinceStart - month) }
}

function number(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text)
}

function shown(value: number | undefined, digits = 2): string {
  return value === undefined ? UNKNOWN : amount(value, digits)
}

function amount(value: number, digits = 2): string {
  return value.toFixed(digits)
}
