import type { SageMaker } from '@aws-sdk/client-sagemaker'
import { CALL_DEADLINE_MS, deadlineOf } from './call.ts'
import { isThrottled } from './errors.ts'
import { familyOf, type RateLimiter, type Turn } from './rate-limits.ts'

export type AttemptsOptions = {
  service: string
  region: string
  /** Called for each request that went over the wire, retries included; `code` is OK or the error's name. */
  onRequest(service: string, operation: string, code: string): void
  /** Called before each request goes over the wire, after its wait; it throws where none must. */
  permit: (() => void) | undefined
  limiter: RateLimiter | undefined
}

type Attempt = { operation: string; sent: boolean; turn?: Turn }

/** An HTTP handler of the SDK, as far as it is used by its clients once they are made. */
type Handler = {
  metadata?: unknown
  handle(request: object, options?: { abortSignal?: AbortSignal }): Promise<unknown>
  destroy?(): void
}

/**
 * Has each of the client's attempts, the SDK's retries included, wait for its turn and be counted. Answers the client.
 *
 * The wait is around the HTTP handler, which alone is told of the call's abort signal; what became of the request is known in the
 * middleware, outside the step that makes errors of refusals and inside the one that retries. They meet by the request.
 */
export function attempts<Client extends object>(client: Client, options: AttemptsOptions): Client {
  const { service, region, onRequest, permit, limiter } = options
  // The clients differ in the types of input and output alone, which are not touched here.
  const { middlewareStack, config } = client as unknown as Pick<SageMaker, 'middlewareStack'> & {
    config: { requestHandler: Handler }
  }
  const { requestHandler } = config
  const attempted = new WeakMap<object, Attempt>()
  middlewareStack.add(
    (next, context) => async (args) => {
      const operation = String(context.commandName ?? 'Unknown').replace(/Command$/, '')
      const attempt: Attempt = { operation, sent: false }
      attempted.set(args.request as object, attempt)
      try {
        const result = await next(args)
        onRequest(service, operation, 'OK')
        return result
      } catch (error) {
        if (!attempt.sent) throw error
        if (isThrottled(error)) attempt.turn?.throttled()
        onRequest(service, operation, error instanceof Error ? error.name : 'Unknown')
        throw error
      }
    },
    { step: 'deserialize', priority: 'high', name: 'mooringAttempts' },
  )
  config.requestHandler = {
    metadata: requestHandler.metadata,
    async handle(request, handling) {
      const attempt = attempted.get(request)
      const signal = handling?.abortSignal
      const deadline = deadlineOf(signal) ?? performance.now() + CALL_DEADLINE_MS
      const turn = await limiter?.take(region, familyOf(service, attempt?.operation ?? ''), { deadline, signal })
      permit?.()
      if (attempt) Object.assign(attempt, { sent: true, turn })
      return requestHandler.handle(request, handling)
    },
    destroy: () => requestHandler.destroy?.(),
  }
  return client
}
