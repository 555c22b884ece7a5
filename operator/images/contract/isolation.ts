import { connect } from 'node:net'
import type { Phase } from './result.ts'

const CONNECT_MS = 1500

/**
 * Whether a NetworkPolicy without egress is enforced: a network plugin that knows none ignores it silently. The API server is what every
 * Pod could reach otherwise.
 */
export async function isolationPhase(host: string, port: number): Promise<Phase> {
  const reached = await new Promise<boolean>((resolve) => {
    const socket = connect({ host, port, timeout: CONNECT_MS })
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => end(true))
    socket.once('timeout', () => end(false))
    socket.once('error', () => end(false))
  })
  return reached
    ? {
        name: 'isolation',
        verdict: 'Warn',
        message:
          'The network was not cut off: the network plugin of this cluster does not enforce NetworkPolicies. Use one that does, or set spec.contractTest.isolation to false.',
      }
    : { name: 'isolation', verdict: 'Pass' }
}
