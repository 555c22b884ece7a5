import type { Verdict } from '../checks.ts'

/** One thing that was done to the container, and how it went. */
export type Phase = {
  /** Such as ping, the name of an invocation, or terminate. */
  name: string
  verdict: Verdict
  /** What was found, and the remedy where it is not Pass. */
  message?: string
  milliseconds?: number
}

/** Error: the test could not be run, which says nothing about the image. */
export type ContractVerdict = 'Passed' | 'Failed' | 'Error'
export type ContractResult = { verdict: ContractVerdict; message: string; phases: Phase[] }

/** As long as a check's message may be. */
export const MAX_PHASE_MESSAGE = 300
/** What the kubelet reads of a termination message, in bytes: it cuts the rest, and JSON that is cut is no JSON. */
export const MAX_TERMINATION_MESSAGE = 4096

/** The phases as one verdict: what failed counts before what could not be tried. */
export function resultOf(phases: readonly Phase[]): ContractResult {
  const failed = phases.filter(({ verdict }) => verdict === 'Fail')
  const untried = phases.filter(({ verdict }) => verdict === 'Skipped')
  const warned = phases.filter(({ verdict }) => verdict === 'Warn')
  const all = phases.map((phase) => ({ ...phase, ...(phase.message ? { message: cut(phase.message) } : {}) }))
  if (failed.length > 0) return { verdict: 'Failed', message: sentence(failed), phases: all }
  if (untried.length > 0) return { verdict: 'Error', message: sentence(untried), phases: all }
  return { verdict: 'Passed', message: warned.length > 0 ? sentence(warned) : '', phases: all }
}

/** The first of them in words, and how many there are besides. */
function sentence([first, ...more]: readonly Phase[]): string {
  const rest = more.length > 0 ? ` And ${more.length} more: see phases.` : ''
  return `${cut(`${first?.name}: ${first?.message ?? ''}`, MAX_PHASE_MESSAGE - rest.length)}${rest}`
}

/** As JSON of at most `limit` bytes: messages are shortened until it fits. */
export function encodeResult(result: ContractResult, limit: number = MAX_TERMINATION_MESSAGE): string {
  for (let most = MAX_PHASE_MESSAGE; ; most = Math.floor(most / 2)) {
    const phases = result.phases.map((phase) => ({
      ...phase,
      ...(phase.message ? { message: cut(phase.message, most) } : {}),
    }))
    const json = JSON.stringify({ ...result, message: cut(result.message, most), phases })
    if (Buffer.byteLength(json) <= limit || most < 2) return json
  }
}

/** What encodeResult wrote; undefined for anything else: the message comes out of a container. */
export function decodeResult(json: string | undefined): ContractResult | undefined {
  try {
    const { verdict, message, phases } = JSON.parse(json ?? '') as ContractResult
    const known = VERDICTS.includes(verdict) && typeof message === 'string' && Array.isArray(phases)
    return known ? { verdict, message: cut(message), phases: phases.slice(0, MAX_PHASES).flatMap(phaseOf) } : undefined
  } catch {
    return undefined
  }
}

const VERDICTS: readonly ContractVerdict[] = ['Passed', 'Failed', 'Error']
const PHASE_VERDICTS: readonly Verdict[] = ['Pass', 'Warn', 'Fail', 'Skipped']
const MAX_PHASES = 10

function phaseOf({ name, verdict, message, milliseconds }: Phase): Phase[] {
  if (typeof name !== 'string' || !PHASE_VERDICTS.includes(verdict)) return []
  return [
    {
      name: name.slice(0, 80),
      verdict,
      ...(typeof message === 'string' ? { message: cut(message) } : {}),
      ...(Number.isSafeInteger(milliseconds) ? { milliseconds: Math.max(0, milliseconds ?? 0) } : {}),
    },
  ]
}

/** At most so many characters, without splitting one. */
export function cut(text: string, most: number = MAX_PHASE_MESSAGE): string {
  if (text.length <= most) return text
  const kept = text.slice(0, Math.max(0, most - 1))
  return `${/[\uD800-\uDBFF]$/.test(kept) ? kept.slice(0, -1) : kept}…`
}
