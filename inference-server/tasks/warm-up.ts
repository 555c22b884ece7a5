import sharp from 'sharp'
import { phases } from '../core/phases.ts'
import { segment } from './segment/index.ts'
import type { TaskDependencies } from './task.ts'

/** A generous bound: the first run of a large model may take minutes. */
const WARM_UP_TIMEOUT_MS = 600_000

/**
 * Sends a small JPEG through the whole path (decode, encoder, decoder, PNG) by the code that serves requests. A server that
 * cannot do this must not say that it is healthy.
 */
export async function warmUpTasks(dependencies: TaskDependencies, now: () => number): Promise<void> {
  const image = await sharp({ create: { width: 320, height: 240, channels: 3, background: '#4080c0' } })
    .jpeg()
    .toBuffer()
  const answer = await segment.perform(
    {
      image,
      fields: { points: [[160, 120]] },
      phases: phases(now),
      run: { deadline: AbortSignal.timeout(WARM_UP_TIMEOUT_MS) },
    },
    dependencies,
  )
  await answer.binary.body()
}
