import type { ContractTest, Invocation } from '../../api/contract-test.ts'
import type { Send } from './exchange.ts'
import { invocationPhase } from './invocation.ts'
import { pingPhase } from './ping.ts'
import { type ContractResult, type Phase, resultOf } from './result.ts'

export type Clock = {
  /** Milliseconds, of a clock that only goes forward. */
  now: () => number
  /** @throws the signal's reason */
  delay: (milliseconds: number, signal: AbortSignal) => Promise<void>
  signal: AbortSignal
}

/** What the container is asked. */
export type Contract = Pick<ContractTest, 'pingTimeoutSeconds' | 'timeoutSeconds' | 'invocations'>

/** An input that is not there: the test's fault, not the image's. The message says what to do. */
export class InputMissing extends Error {
  override readonly name = 'InputMissing'
}

/**
 * Asks a running container what SageMaker asks: GET /ping until it is good, then the sample requests one after the other. Its end, on
 * SIGTERM, is for the caller to see: container-end.ts judges it.
 * @param input the body of an invocation's request; throws InputMissing
 * @throws the signal's reason
 */
export async function contractTest({
  send,
  loopback,
  port = 8080,
  contract,
  input,
  clock,
}: {
  send: Send
  loopback?: Send
  port?: number
  contract: Contract
  input: (invocation: Invocation) => Promise<Uint8Array>
  clock: Clock
}): Promise<ContractResult> {
  const end = clock.now() + contract.timeoutSeconds * 1000
  const left = () => end - clock.now()
  const limitMs = contract.pingTimeoutSeconds * 1000
  const phases: Phase[] = [await pingPhase(send, { limitMs, port, loopback, clock })]
  let hindrance = phases[0]?.verdict === 'Fail' ? 'Not sent, since /ping was not good.' : undefined
  for (const invocation of contract.invocations ?? []) {
    const { name } = invocation
    if (!hindrance && left() <= 0) {
      phases.push({
        name,
        verdict: 'Fail',
        message: 'The time was over before it was sent: raise timeoutSeconds, or answer sooner.',
      })
      hindrance = 'Not sent, since the time was over.'
    } else if (hindrance) phases.push({ name, verdict: 'Skipped', message: hindrance })
    else {
      const { gone, ...phase } = await invoke(invocation)
      phases.push(phase)
      if (gone) hindrance = 'Not sent, since the server has ended.'
    }
  }
  return resultOf(phases)

  async function invoke(invocation: Invocation): Promise<Phase & { gone?: true }> {
    let body: Uint8Array
    try {
      body = await input(invocation)
    } catch (error) {
      if (error instanceof InputMissing) return { name: invocation.name, verdict: 'Skipped', message: error.message }
      throw error
    }
    const most = Math.min(invocation.timeoutSeconds * 1000, left())
    return await invocationPhase(send, invocation, body, { limitMs: most, clock })
  }
}
