import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Environment, ModelSet } from './environment.ts'
import { type Command, type ProcessGroup, startGroup } from './process-group.ts'

export type ServerName = 'ours' | 'flask' | 'litserve' | 'litserve-batched'
export const SERVERS: readonly ServerName[] = ['ours', 'flask', 'litserve', 'litserve-batched']

export type Server = ProcessGroup & { port: number }

/** Python's servers import for seconds on a busy machine. */
const START_LIMIT_MS = 120_000
const MAIN = join(import.meta.dirname, '..', '..', 'inference-server', 'main.ts')

/** Starts a server with one inference thread for each core and waits for its /ping; alone on the machine but for the benchmark. */
export async function startServer(
  name: ServerName,
  { models, environment, cores }: { models: ModelSet; environment: Environment; cores: number },
): Promise<Server> {
  const port = await freePort()
  const log = join(environment.logs, `${models}-${name}.log`)
  const group = startGroup({ ...commandOf(name, models, environment, port, cores), log })
  for (const end = Date.now() + START_LIMIT_MS; Date.now() < end; await delay(50)) {
    if (group.child.exitCode !== null) throw new Error(`${name} ended as it started: see ${log}`)
    const response = await fetch(`http://127.0.0.1:${port}/ping`).catch(() => undefined)
    if (response?.ok) return { ...group, port }
  }
  await group.stop()
  throw new Error(`${name} did not answer /ping: see ${log}`)
}

/** The pipelines' environment: what Python is to compute, and with how many threads a process. */
export function pipelineEnvironment(models: ModelSet, environment: Environment, threads: number) {
  return {
    BENCH_WORKLOAD: models,
    BENCH_MODELS: environment.models[models],
    BENCH_THREADS: String(threads),
    // numpy's own pools: the work is onnxruntime's.
    OMP_NUM_THREADS: '1',
    OPENBLAS_NUM_THREADS: '1',
    PYTHONDONTWRITEBYTECODE: '1',
  }
}

function commandOf(
  name: ServerName,
  models: ModelSet,
  environment: Environment,
  port: number,
  cores: number,
): Omit<Command, 'log'> {
  if (name === 'ours') {
    return {
      command: process.execPath,
      args: [MAIN, 'serve'],
      environment: {
        NODE_ENV: 'production',
        SM_MODEL_DIR: environment.models[models],
        SAGEMAKER_BIND_TO_HOST: '127.0.0.1',
        SAGEMAKER_BIND_TO_PORT: String(port),
        SAGEMAKER_MODEL_SERVER_WORKERS: String(cores),
        MOORING_INTRA_OP_THREADS: '1',
      },
    }
  }
  const cwd = import.meta.dirname
  const shared = pipelineEnvironment(models, environment, 1)
  if (name === 'flask') {
    const args = ['--workers', String(cores), '--threads', '2', '--bind', `127.0.0.1:${port}`, 'flask_server:app']
    return { command: join(environment.bin, 'gunicorn'), args, environment: shared, cwd }
  }
  const batch = name === 'litserve-batched' ? ['8', '0.005'] : ['1', '0']
  const args = ['litserve_server.py', String(port), String(cores), ...batch]
  return { command: join(environment.bin, 'python'), args, environment: shared, cwd }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
