import type { ImageFacts } from '../../../images/facts.ts'
import type { KubeClient } from '../../../kube/client.ts'
import { type ImagePass, type Judgement, pinned } from '../pass.ts'
import type { ContractTestConfig } from './plan.ts'
import { contractTestStep } from './step.ts'

/** A verdict that only a person can bring about is asked for again nevertheless: permissions and quotas change without a word. */
const SELDOM_MS = 600_000

/**
 * The contract test as a judge of images: one step of it a pass. Undefined where none is declared, or where its verdict is not to hold
 * anything up.
 */
export function judgeByContractTest(
  kube: KubeClient,
  config: ContractTestConfig,
): (pass: ImagePass, facts: ImageFacts) => Promise<Judgement | undefined> {
  return async (pass, facts) => {
    const { object, status, spec, now } = pass
    const {
      state,
      required,
      reason,
      message,
      status: next,
      after,
    } = await contractTestStep({
      kube,
      object,
      image: { reference: pinned(facts), digest: facts.digest, architecture: facts.config.architecture },
      imagePullSecrets: (spec.imagePullSecrets ?? []).map(({ name }) => name),
      config,
      now,
    })
    if (next) status.contractTest = next
    else delete status.contractTest
    if (state === 'off') return undefined
    if (state === 'passed') return { state: 'passed', message }
    // What is under way is waited for; only what then comes out of it blocks nothing.
    if (reason === 'ContractTestPending' || reason === 'NotRequested')
      return { state: 'testing', reason, message, after: after ?? SELDOM_MS }
    if (!required) return undefined
    if (state === 'failed') return { state: 'rejected', reason, message }
    return { state: 'testing', reason, message, after: after ?? SELDOM_MS }
  }
}
