import type { Fault } from '../../local/faults.ts'
import type { Command } from './commands.ts'

type CallFault = Extract<Command, { do: 'call-fault' }>
type EndpointFault = Extract<Command, { do: 'endpoint-fault' }>

const DELAY_MS = 300
/** SageMaker's own words, by which the operator tells causes apart. */
const REASON_TEXTS = {
  none: undefined,
  silent: '',
  ping: 'The primary container for production variant AllTraffic did not pass the ping health check.',
  capacity: 'Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error.',
  image:
    'Please make sure all images included in the model for the production variant AllTraffic exist, and that the execution role used to create the model has permissions to access them.',
  role: 'Could not assume role arn:aws:iam::123456789012:role/mooring-execution.',
} as const

/** Of these reasons a repeat would not get rid. */
export const PERMANENT: readonly string[] = ['image', 'role']

export function callFault({ effect, operation, times, often }: CallFault): Fault {
  const where = { operation, times, probability: often }
  if (effect === 'denied')
    return {
      ...where,
      effect: 'error',
      code: 'AccessDeniedException',
      message: 'User: arn:aws:sts::123456789012:assumed-role/mooring is not authorized to perform this action',
    }
  return { ...where, effect, ...(effect === 'delay' ? { delayMs: DELAY_MS } : {}) }
}

/** @param endpointName of the object, as it is in the cloud; undefined for every endpoint */
export function endpointFault({ name, reason, times }: EndpointFault, endpointName: string | undefined): Fault {
  const text = REASON_TEXTS[reason]
  if (name === 'endpoint-config.not-visible') return { name, times }
  const fault = { name, ...(endpointName === undefined ? {} : { subject: endpointName }) }
  // Asked for ten times a second until it is cleared.
  if (name.startsWith('endpoint.stuck-')) return { ...fault, times: times * 4 }
  if (name === 'endpoint.system-update' || name === 'instance.slow-start') return { ...fault, times, delayMs: DELAY_MS }
  return { ...fault, times, ...(text === undefined ? {} : { reason: text }) }
}
