import { ANNOTATIONS } from '../../api/names.ts'
import { timestamp } from '../../api/timestamp.ts'
import type { ObservedEndpoint } from '../../providers/endpoint.ts'
import { type Explanation, explainFailureReason } from '../../providers/failure-reasons.ts'
import { endpointTaken } from './endpoint-create.ts'
import { endpointFailed, endpointRecreating, endpointReplaced, recoveryExhausted } from './events.ts'
import { tryNextType } from './fallback.ts'
import { contentHash } from './names.ts'
import { failing, type Outcome, type PinnedPass, type ServingPass, waiting } from './pass.ts'
import { lastGood } from './revisions.ts'
import { fail } from './rollout.ts'
import { goalOf, retryOf } from './target.ts'

const JITTER = 0.2
const MAX_REASON = 1024
/** How to have a revision that failed tried once more. */
export const WAY_OUT = `Change the spec or the image, or set the annotation ${ANNOTATIONS.retry}.`

/**
 * Starts the count of attempts anew when what they were for has changed: the generation, the digest, or the retry annotation.
 * Answers whether it has, and something was being counted.
 */
export function renewedRecovery({ object, generation, status }: PinnedPass): boolean {
  const { retry } = retryOf({ object })
  const revision = contentHash({ generation, image: status.image, retry })
  const last = status.recovery?.revision
  if (last === revision) return false
  status.recovery = { attempts: 0, revision }
  return last !== undefined
}

/**
 * A failed endpoint can only be deleted. Notes why it failed, deletes it, and leaves the creation to a later pass; unless the cause
 * would only repeat itself, or it was tried often enough. Then the last good revision serves again, where there is one.
 * @param changed whether the object has changed since the failure was judged
 */
export async function recover(
  pass: PinnedPass,
  seen: ObservedEndpoint,
  changed: boolean,
  explanation = explain(pass, seen),
): Promise<Outcome<ServingPass>> {
  const { status, spec, before, desired, intervals, owner, providers, now, random, signal } = pass
  const { maxAttempts } = spec.recovery
  const attempts = status.recovery?.attempts ?? 0
  status.phase = 'Failed'

  if (before.phase !== 'Failed') {
    await noteFailure(pass, seen, explanation)
    pass.emit(endpointFailed(explanation.message, status.lastFailure?.logTail ?? []))
    pass.log.warn({ resource: desired.endpointName, failureReason: seen.failureReason }, 'the endpoint failed')
    // Deleted by the next pass, when the reason is written down: it goes with the endpoint.
    return failing(pass, 'EndpointInService', explanation.reason, explanation.message, 0)
  }
  const other = changed || seen.configName !== goalOf(pass)
  const next = !other && explanation.reason === 'InsufficientCapacity' && tryNextType(pass)
  if (next) return next
  const exhausted = attempts >= maxAttempts
  if (!other && (explanation.permanent || exhausted)) {
    if (mayGoBack(pass)) {
      fail(pass, { result: 'RollingBack', cause: 'Recreate' }, explanation.message)
      const message = 'The new revision cannot be created; the last good one is created again.'
      return waiting(pass, 'EndpointInService', 'RollingBack', message, 0)
    }
    if (explanation.permanent) {
      const message = `${WAY_OUT} ${explanation.message}`
      return failing(pass, 'EndpointInService', explanation.reason, message, intervals.settled)
    }
    const why =
      maxAttempts === 0
        ? 'The endpoint failed, and spec.recovery.maxAttempts is 0.'
        : `The endpoint failed ${attempts + 1} times in a row; Mooring waits for a change.`
    const message = `${why} ${WAY_OUT} ${explanation.message}`
    pass.emit(recoveryExhausted(message))
    return failing(pass, 'EndpointInService', 'RecoveryExhausted', message, intervals.settled)
  }
  if (!(await providers.ownership.isOurs(seen.arn, owner, signal))) return endpointTaken(pass)
  if ((await providers.endpoints.delete(desired.endpointName, signal)) === 'in-progress')
    return waiting(pass, 'EndpointInService', 'InProgress', 'The failed endpoint is being changed.', intervals.inFlight)

  const attempt = other ? 0 : attempts + 1
  const pauseMs = other ? 0 : backoffMs(attempt, spec.recovery, random)
  status.recovery = {
    attempts: attempt,
    ...(pauseMs > 0 ? { nextAttemptTime: timestamp(new Date(now.getTime() + pauseMs)) } : {}),
    ...(status.recovery?.revision ? { revision: status.recovery.revision } : {}),
  }
  status.endpointStatus = 'Deleting'
  status.phase = 'Recovering'
  pass.recovered()
  pass.emit(
    other ? endpointReplaced(desired.endpointName) : endpointRecreating(desired.endpointName, attempt, maxAttempts),
  )
  pass.log.info({ resource: desired.endpointName, attempt, pauseMs }, 'deleting the failed endpoint')
  const message = 'The failed endpoint is being deleted, to be created again. status.lastFailure says what happened.'
  return waiting(pass, 'EndpointInService', 'Recovering', message, intervals.deleting)
}

/**
 * Why it failed. A container that never answered its ping with this digest will not answer the next time either, and each time costs
 * minutes of a GPU; one that has answered before may have met a bad machine.
 */
function explain({ status }: PinnedPass, seen: ObservedEndpoint): Explanation {
  const explanation = explainFailureReason(seen.failureReason)
  if (explanation.reason !== 'PingFailed') return explanation
  const proven = status.revisions?.some(({ outcome, image }) => outcome === 'Succeeded' && image === status.image)
  return { ...explanation, permanent: !proven }
}

/** Whether what failed was new, and there is something better to go back to. */
function mayGoBack({ status, spec, target }: PinnedPass): boolean {
  const { rollout } = status
  return (
    spec.rollout.onFailure === 'RollBack' &&
    rollout?.endpointConfigName === target.configName &&
    rollout.result === 'InProgress' &&
    lastGood(status, target.configName) !== undefined
  )
}

/** Starts counting anew when the endpoint has been well for long enough; one that comes and goes is not retried without end. */
export function forgiveAttempts({ status, spec, conditions, now }: PinnedPass): void {
  if (!status.recovery?.attempts) return
  const ready = conditions.ready()
  const since = ready.status === 'True' ? now.getTime() - Date.parse(ready.lastTransitionTime) : 0
  if (ready.status === 'True' && since >= spec.recovery.resetAfterSeconds * 1000) status.recovery.attempts = 0
}

/** Writes the reason and the container's last log lines into status: they go with the endpoint. */
export async function noteFailure(pass: PinnedPass, seen: ObservedEndpoint, explanation: Explanation): Promise<void> {
  const { status, desired, now, providers, signal, log } = pass
  const logTail = await providers.logs.tail(desired.endpointName, signal).catch((error: unknown) => {
    // The reason alone is better than none; logs may be forbidden to us.
    log.warn({ err: error, resource: desired.endpointName }, 'the log of the container could not be read')
    return []
  })
  status.lastFailure = {
    time: timestamp(now),
    reason: (seen.failureReason ?? explanation.message).slice(0, MAX_REASON),
    permanent: explanation.permanent,
    ...(logTail.length > 0 ? { logTail } : {}),
  }
}

/** The pause before an attempt, counted from one, in milliseconds: doubled each time up to the limit, less up to 20 %. */
export function backoffMs(
  attempt: number,
  { backoffSeconds, maxBackoffSeconds }: { backoffSeconds: number; maxBackoffSeconds: number },
  random: () => number,
): number {
  const seconds = Math.min(maxBackoffSeconds, backoffSeconds * 2 ** Math.min(attempt - 1, 30))
  return Math.round(seconds * 1000 * (1 - JITTER * random()))
}
