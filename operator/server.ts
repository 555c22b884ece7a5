import fastify, { type FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'

export type ServerOptions = {
  /** Whether the caches are filled. A standby that waits for the lease is ready too. */
  ready(): boolean
  /** False when only a restart helps, as with an informer that has gone deaf. */
  healthy(): boolean
  registry: Registry
}

/** /healthz, /readyz and /metrics. Does not listen by itself. */
export function buildServer({ ready, healthy, registry }: ServerOptions): FastifyInstance {
  const app = fastify({ logger: false, bodyLimit: 1024 })
  const probe = (path: string, good: () => boolean) =>
    app.get(path, (_request, reply) => {
      const ok = good()
      return reply
        .code(ok ? 200 : 503)
        .type('text/plain')
        .send(ok ? 'ok' : 'not ok')
    })
  probe('/healthz', healthy)
  probe('/readyz', ready)
  app.get('/metrics', async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()))
  return app
}
