import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import type { Clock, VirtualClock } from './clock.ts'
import { type FaultBoard, faultSchema } from './faults.ts'
import { readBody } from './gateway/body.ts'
import type { RateLimit, RateLimits } from './rate-limits.ts'
import type { Recorder } from './recorder.ts'
import type { JsonObject } from './service.ts'
import { imageDefinitionSchema } from './services/ecr/image-definition.ts'
import type { Images } from './services/ecr/images.ts'
import { registryHttp } from './services/ecr/registry-http.ts'

const BODY_LIMIT_BYTES = 256 * 1024

export type AdminOptions = {
  images: Images
  faults: FaultBoard
  limits: RateLimits
  calls: Recorder
  state(): Record<string, JsonObject>
  clock: Clock
}

/** `/_local/…`: what no AWS has. Also `/v2/…`, the registry's own API for what ECR points at. */
export function adminApi({ images, faults, limits, calls, state, clock }: AdminOptions) {
  const registry = registryHttp(images)
  const routes: Record<string, (body: unknown) => Promise<unknown> | unknown> = {
    'GET /_local/health': () => ({ ok: true, now: new Date(clock.now()).toISOString() }),
    'GET /_local/state': () => state(),
    'GET /_local/calls': () => calls.calls(),
    'DELETE /_local/calls': () => calls.reset(),
    'GET /_local/faults': () => faults.list(),
    'POST /_local/faults': (body) => faults.set(faultSchema.parse(body)),
    'DELETE /_local/faults': () => faults.clear(),
    'GET /_local/rate-limits': () => limits.list(),
    // Checked by set().
    'PUT /_local/rate-limits': (body) => limits.set(body as RateLimit[]),
    'DELETE /_local/rate-limits': () => limits.set([]),
    'POST /_local/images': (body) => ({ digest: images.register(imageDefinitionSchema.parse(body)) }),
    'POST /_local/clock/advance': async (body) => {
      const { milliseconds } = z
        .object({
          milliseconds: z
            .number()
            .min(0)
            .max(31 * 86_400_000),
        })
        .parse(body)
      if (!isVirtual(clock)) throw new Error('this local cloud runs on a real clock')
      await clock.advance(milliseconds)
    },
  }

  return async (request: IncomingMessage, response: ServerResponse, path: string): Promise<boolean> => {
    if (path.startsWith('/v2/')) return registry(request, response, path)
    if (!path.startsWith('/_local/')) return false
    const route = routes[`${request.method} ${path}`]
    if (!route) {
      send(response, 404, { error: `there is no ${request.method} ${path}`, routes: Object.keys(routes) })
      return true
    }
    try {
      send(response, 200, (await route(await body(request))) ?? {})
    } catch (error) {
      const message = error instanceof z.ZodError ? z.prettifyError(error) : String(error)
      send(response, 400, { error: message })
    }
    return true
  }
}

async function body(request: IncomingMessage): Promise<unknown> {
  const bytes = await readBody(request, BODY_LIMIT_BYTES, () => new Error(`the body exceeds ${BODY_LIMIT_BYTES} bytes`))
  return bytes.byteLength === 0 ? undefined : JSON.parse(bytes.toString('utf8'))
}

function send(response: ServerResponse, status: number, value: unknown): void {
  const content = Buffer.from(JSON.stringify(value))
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': content.byteLength })
  response.end(content)
}

function isVirtual(clock: Clock): clock is VirtualClock {
  return 'advance' in clock
}
