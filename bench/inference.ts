import { join } from 'node:path'
import { demoConsole } from '../demo/console.ts'
import { environment } from './inference/environment.ts'
import { LOOP_NAMES, type LoopSample, loopsFor, runLoops } from './inference/limit.ts'
import { expectedAnswers, type Sample, sample, startGenerator, warmUp } from './inference/measure.ts'
import { options } from './inference/options.ts'
import { promptSpeedup } from './inference/prompts.ts'
import { report } from './inference/report.ts'
import { startServer } from './inference/servers.ts'

/**
 * Our inference server beside Flask with gunicorn, LitServe and bare onnxruntime, in one run on this machine: see bench/README.md.
 * Short rounds take turns, so that what else the machine does meanwhile meets all of them; each server runs alone.
 */
const { rounds, seconds, connections, workloads, servers, cores } = options(process.argv.slice(2))
const console_ = demoConsole(process.stderr as NodeJS.WriteStream)
const generator = startGenerator()
const samples: Sample[] = []
const loops: LoopSample[] = []
let speedup: number | undefined
try {
  const made = await console_.step('peers and models', (note) => environment(note))
  for (const workload of workloads) {
    const feeds = join(made.logs, `${workload}-feeds.json`)
    const expected = await expectedAnswers(workload, made, feeds)
    for (let round = 0; round < rounds; round++) {
      await console_.step(`${workload}, round ${round + 1} of ${rounds}`, async (note) => {
        // Another one begins each time.
        const order = [...servers.slice(round % servers.length), ...servers.slice(0, round % servers.length)]
        for (const server of order) {
          note(server)
          const running = await startServer(server, { models: workload, environment: made, cores })
          try {
            const load = { workload, expected, port: running.port }
            await warmUp(generator, { ...load, connections: Math.max(...connections) })
            for (const count of connections) {
              const about = { workload, server, connections: count, expected, seconds, cores }
              samples.push(await sample(generator, running, about))
            }
          } finally {
            await running.stop()
          }
        }
        for (const each of loopsFor(cores)) {
          note(`raw, ${LOOP_NAMES(each)}`)
          loops.push(await runLoops(each, { workload, environment: made, feeds, seconds }))
        }
      })
    }
  }
  if (workloads.includes('sam') && servers.includes('ours')) {
    speedup = await console_.step('prompts on one picture', () => promptSpeedup(made, cores))
  }
} finally {
  generator.close()
  console_.close()
}
console.log(report({ samples, loops, promptSpeedup: speedup }))
process.exit(samples.some(({ server, fault }) => server === 'ours' && fault !== undefined) ? 1 : 0)
