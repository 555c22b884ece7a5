import { pino } from 'pino'
import { composeServer } from '../../inference-server/compose.ts'
import { loadConfig } from '../../inference-server/config.ts'

/** Sends a request to the server and gives its answer; with `accept` the body, else the JSON. */
export type Invoke = {
  <Answer>(request: Record<string, unknown>): Promise<Answer>
  (request: Record<string, unknown>, accept: string): Promise<Buffer>
}

/** Runs `work` with the inference server on a model directory, in this process and without a port. */
export async function withServer<T>(directory: string, work: (invoke: Invoke) => Promise<T>): Promise<T> {
  const app = composeServer(
    loadConfig({ SM_MODEL_DIR: directory, MOORING_PROVIDER: 'cpu' }, []),
    'cpu',
    pino({ level: 'silent' }),
  )
  try {
    await app.load()
    return await work((async (request: Record<string, unknown>, accept = 'application/json') => {
      const { statusCode, rawPayload } = await app.http.inject({
        method: 'POST',
        url: '/invocations',
        payload: request,
        headers: { accept },
      })
      if (statusCode !== 200) throw new Error(`${request.task}: ${statusCode} ${rawPayload}`)
      return accept === 'application/json' ? JSON.parse(rawPayload.toString()) : rawPayload
    }) as Invoke)
  } finally {
    await app.close()
  }
}
