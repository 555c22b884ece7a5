import { NoReply, type Reply, type Send } from './exchange.ts'
import type { Phase } from './result.ts'
import type { Clock } from './run.ts'

/** SageMaker's, for each ping: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html */
export const PING_TIMEOUT_MS = 2000
const INTERVAL_MS = 500
/** SageMaker goes on pinging: one good answer between bad ones is not enough. */
const GOOD_IN_A_ROW = 3

/** Answers undefined for 200 within two seconds, else what came instead, in words. @throws the signal's reason */
export async function ping(send: Send, signal: AbortSignal): Promise<{ reply: Reply } | { wrong: NoReply | Reply }> {
  try {
    const reply = await send({ method: 'GET', path: '/ping', timeoutMs: PING_TIMEOUT_MS, signal })
    return reply.status === 200 ? { reply } : { wrong: reply }
  } catch (error) {
    if (error instanceof NoReply) return { wrong: error }
    throw error
  }
}

/**
 * Pings until the container has answered well three times in a row.
 * @param loopback the same container by 127.0.0.1, where `send` goes to its address in the network: tells why nobody listens there
 */
export async function pingPhase(
  send: Send,
  { limitMs, port, loopback, clock }: { limitMs: number; port: number; loopback?: Send | undefined; clock: Clock },
): Promise<Phase> {
  const { now, delay, signal } = clock
  const start = now()
  const spent = () => Math.round(now() - start)
  let good = 0
  let last: NoReply | Reply | undefined
  while (spent() < limitMs) {
    const answer = await ping(send, signal)
    if ('reply' in answer) {
      if (++good === GOOD_IN_A_ROW) return { ...verdictOn(answer.reply), name: 'ping', milliseconds: spent() }
    } else {
      good = 0
      last = answer.wrong
    }
    await delay(INTERVAL_MS, signal)
  }
  const onLoopback = last instanceof NoReply && last.kind === 'refused' && loopback && (await ping(loopback, signal))
  const message =
    onLoopback && ('reply' in onLoopback || !(onLoopback.wrong instanceof NoReply))
      ? `The server listens on 127.0.0.1 only, where SageMaker does not reach it: let it listen on 0.0.0.0:${port}.`
      : `GET /ping was not good within ${limitMs / 1000} s. ${remedy(last, port)}`
  return { name: 'ping', verdict: 'Fail', message, milliseconds: spent() }
}

/** TorchServe answered 200 with the body "Unhealthy": https://github.com/aws/deep-learning-containers/issues/2917 */
function verdictOn(reply: Reply): Pick<Phase, 'verdict' | 'message'> {
  return /unhealthy/i.test(reply.text.slice(0, 1000))
    ? {
        verdict: 'Warn',
        message:
          'GET /ping answers 200 and says “unhealthy” in its body. SageMaker reads the status only: answer 503 until the model is loaded.',
      }
    : { verdict: 'Pass' }
}

function remedy(last: NoReply | Reply | undefined, port: number): string {
  if (last === undefined) return 'It was good now and then: answer 200 every time once the model is loaded.'
  if (!(last instanceof NoReply))
    return last.status === 503
      ? 'It answered 503 to the end: load faster, or raise pingTimeoutSeconds; the log tells what it waits for.'
      : `It answered ${last.status} at last: answer GET /ping with 200 and an empty body once the model is loaded.`
  if (last.kind === 'refused')
    return `Nothing listened on port ${port}: let the server listen on 0.0.0.0:${port} before it loads the model.`
  if (last.kind === 'timeout')
    return 'At last it did not answer within 2 s: answer pings beside the loading and the inference, not after them.'
  return `At last: ${last.message}`
}
