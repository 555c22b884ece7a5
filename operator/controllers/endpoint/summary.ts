import type { Reason } from '../../api/reasons.ts'
import type { Ended } from './chain.ts'
import type { Pass } from './pass.ts'

/**
 * Sets the two conditions that tools such as Argo CD go by: Progressing while time alone is needed, Degraded while somebody must do
 * something.
 */
export function summarise({ conditions, status, before }: Pass, ended: Exclude<Ended, { kind: 'removed' }>): void {
  const set = (type: 'Progressing' | 'Degraded', on: boolean, reason: Reason, message: string) =>
    on ? conditions.true_(type, reason, message) : conditions.false_(type, reason, message)
  switch (ended.kind) {
    case 'ready':
      set('Progressing', false, 'Settled', '')
      set('Degraded', false, 'AsDeclared', '')
      break
    case 'paused':
      status.phase = 'Paused'
      set('Progressing', false, 'Paused', 'The annotation mooring.dev/paused keeps Mooring from acting.')
      break
    default: {
      const { failing, reason, message } = ended
      set('Progressing', !failing, reason, message)
      set('Degraded', failing, reason, message)
      // A first error is before any phase.
      status.phase ??= before.phase ?? 'Pending'
    }
  }
}
