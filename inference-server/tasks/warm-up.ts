import { Lifetime } from '../core/lifetime.ts'
import { phases } from '../core/phases.ts'
import { type Shared, taskContext } from './context.ts'
import { readFields } from './fields.ts'
import type { Services } from './services.ts'

/** A generous bound: the first run of a large model may take minutes. */
export const LOAD_TIMEOUT_MS = 600_000

/**
 * Sends each task's example through the whole path, by the code that serves requests. A server that cannot do this must not
 * say that it is healthy.
 * @throws Error naming the task that cannot be done
 */
export async function warmUp({ all }: Services, shared: Shared, now: () => number): Promise<void> {
  for (const [name, { task, service, defaults }] of all) {
    const lifetime = new Lifetime(LOAD_TIMEOUT_MS)
    const holds: (() => void)[] = []
    try {
      const { files = {}, fields } = await service.example()
      const context = taskContext(shared, {
        lifetime,
        phases: phases(now),
        requestId: 'warm-up',
        hold: (give) => holds.push(give),
      })
      const answer = await service.perform({ files, fields: readFields(task, { ...defaults, ...fields }) }, context)
      for (const { forms } of Object.values(answer.artifacts ?? {})) await forms[0].body()
    } catch (cause) {
      const details = cause instanceof Error && cause.cause !== undefined ? `: ${cause.cause}` : ''
      throw new Error(
        `${name} failed on its own example: ${cause instanceof Error ? cause.message : cause}${details}`,
        {
          cause,
        },
      )
    } finally {
      lifetime.end()
      for (const give of holds) give()
    }
  }
}
