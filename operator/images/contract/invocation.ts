import type { Invocation } from '../../api/contract-test.ts'
import { judgeBody } from '../answer/judge-body.ts'
import { NoReply, type Reply, type Send } from './exchange.ts'
import { ping } from './ping.ts'
import type { Phase } from './result.ts'
import type { Clock } from './run.ts'

/**
 * What an asynchronous endpoint refuses: "Response received from the primary container has headers with length greater than 4096
 * bytes", and "did not specify the required Content-Length header"; https://github.com/deepjavalibrary/djl-serving/issues/2567
 */
const MAX_RESPONSE_HEADER_BYTES = 4096
const PING_INTERVAL_MS = 1000
/** Of an answer, in a message. */
const MAX_SHOWN = 120

/** Sends one sample request, pings beside it, and holds the answer against what was expected. */
export async function invocationPhase(
  send: Send,
  invocation: Invocation,
  body: Uint8Array,
  { limitMs, clock }: { limitMs: number; clock: Clock },
): Promise<Phase & { gone?: true }> {
  const { name, path, contentType, accept, customAttributes } = invocation
  const over = new AbortController()
  const pings = pingBeside(send, { ...clock, signal: AbortSignal.any([clock.signal, over.signal]) })
  const start = clock.now()
  try {
    const reply = await send({
      method: 'POST',
      path,
      headers: {
        'content-type': contentType,
        ...(accept ? { accept } : {}),
        ...(customAttributes ? { 'x-amzn-sagemaker-custom-attributes': customAttributes } : {}),
      },
      body,
      timeoutMs: limitMs,
      signal: clock.signal,
    })
    over.abort()
    const problems = await judge(invocation, reply)
    const { milliseconds } = reply
    if (problems.length > 0) return { name, verdict: 'Fail', message: problems.join(' '), milliseconds }
    const warning = await pings
    return { name, milliseconds, ...(warning ? { verdict: 'Warn', message: warning } : { verdict: 'Pass' }) }
  } catch (error) {
    if (!(error instanceof NoReply)) throw error
    const milliseconds = Math.round(clock.now() - start)
    return {
      name,
      verdict: 'Fail',
      message: `${error.message} ${REMEDIES[error.kind]}`.trim(),
      milliseconds,
      ...(error.kind === 'refused' ? { gone: true } : {}),
    }
  } finally {
    over.abort()
  }
}

const REMEDIES: Record<NoReply['kind'], string> = {
  refused: 'The server has ended: its log says why.',
  timeout: 'Answer sooner, or raise the timeoutSeconds of the invocation.',
  closed: 'The server crashed, or closes too early: its log says why.',
  headers: `SageMaker refuses more than ${MAX_RESPONSE_HEADER_BYTES}: send fewer.`,
  large: '',
}

async function judge({ expect }: Invocation, reply: Reply): Promise<string[]> {
  const problems: string[] = []
  if (reply.status !== expect.status) {
    // The body of an error is not held against what was expected of an answer.
    return [`It answered ${reply.status} in place of ${expect.status}: ${shown(reply.text)}.`]
  }
  if (!reply.sized)
    problems.push(
      'It answered without Content-Length (chunked), which asynchronous endpoints refuse: send the whole body at once, with its length.',
    )
  if (reply.headerBytes > MAX_RESPONSE_HEADER_BYTES)
    problems.push(
      `Its response headers have ${reply.headerBytes} bytes; asynchronous endpoints refuse more than ${MAX_RESPONSE_HEADER_BYTES}: send fewer.`,
    )
  const body = { contentType: reply.contentType, bytes: reply.bytes, text: async () => reply.text }
  problems.push(...(await judgeBody(expect, body, 'expect')))
  const { maxLatencyMilliseconds: most } = expect
  if (most !== undefined && reply.milliseconds > most)
    problems.push(`The answer took ${reply.milliseconds} ms; expect.maxLatencyMilliseconds is ${most}.`)
  return problems
}

/** Pings while an invocation is under way, until the signal; answers what was wrong, in a sentence. */
async function pingBeside(send: Send, { delay, signal }: Clock): Promise<string | undefined> {
  let sent = 0
  let failed = 0
  try {
    for (;;) {
      await delay(PING_INTERVAL_MS, signal)
      sent++
      if ('wrong' in (await ping(send, signal))) failed++
    }
  } catch {
    // The invocation has ended, and the ping under way with it.
  }
  if (failed === 0) return undefined
  return `While it worked, ${failed} of ${sent} pings were not answered with 200 within 2 s; SageMaker replaces an instance whose pings fail. Answer them beside the inference, from another thread.`
}

/** Cut, and on one line. */
function shown(text: string): string {
  const line = text
    .slice(0, 4 * MAX_SHOWN)
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
  if (line === '') return 'the body is empty'
  const characters = Array.from(line)
  return characters.length > MAX_SHOWN ? `“${characters.slice(0, MAX_SHOWN).join('')}…”` : `“${line}”`
}
