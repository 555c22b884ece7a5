import type { Environment } from './environment.ts'
import { type Answer, connection } from './http-client.ts'
import { payload } from './payload.ts'
import { startServer } from './servers.ts'
import { median } from './statistics.ts'
import { workload } from './workloads.ts'

const PICTURES = 5
/** The first among them finds nothing kept. */
const PROMPTS = 6

/** How much faster further prompts on a picture are than the first: medians over some pictures, one request at a time. */
export async function promptSpeedup(environment: Environment, cores: number): Promise<number> {
  const [request] = (await workload('sam')).requests
  if (!request) throw new Error('the workload has no request')
  const server = await startServer('ours', { models: 'sam-vit', environment, cores })
  const line = connection(server.port)
  const first: number[] = []
  const further: number[] = []
  try {
    const prompts = Array.from({ length: PROMPTS }, (_, index) =>
      payload({ ...request, json: { ...request.json, points: [[285 + 5 * index, 160]] } }),
    )
    for (let picture = 0; picture < PICTURES; picture++) {
      for (const [index, prompt] of prompts.entries()) {
        const started = performance.now()
        const answer = await new Promise<Answer | Error>((resolve) => line.send(prompt(picture), resolve))
        if (answer instanceof Error) throw answer
        if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.body}`)
        const times = index === 0 ? first : further
        times.push(performance.now() - started)
      }
    }
  } finally {
    line.close()
    await server.stop()
  }
  return median(first) / median(further)
}
