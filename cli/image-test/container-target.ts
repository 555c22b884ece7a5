import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { delimiter, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { type End, terminatePhase } from '../../operator/images/contract/container-end.ts'
import type { Target, TargetOptions } from './target.ts'

const exec = promisify(execFile)

export const ENGINES = ['docker', 'podman', 'nerdctl'] as const
export type Engine = (typeof ENGINES)[number]

const PORT = 8080
const MAX_OUTPUT = 16 * 1024 * 1024
const LOG_LINES = 200

/** The first that is on PATH. @throws Error that says what to install */
export async function findEngine(): Promise<Engine> {
  for (const engine of ENGINES)
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      const there = access(join(folder, engine), constants.X_OK)
      if (await there.then(() => true).catch(() => false)) return engine
    }
  throw new Error(
    `no container engine on PATH: install one of ${ENGINES.join(', ')}, or test the program itself by --command`,
  )
}

/**
 * Starts an image as `docker run IMAGE serve`, its port published on loopback. Not without a network, as a Job in the cluster does it: a
 * published port needs one.
 */
export async function startContainer(engine: Engine, image: string, options: TargetOptions): Promise<Target> {
  const call = async (...args: string[]) => (await exec(engine, args, { maxBuffer: MAX_OUTPUT })).stdout.trim()
  const id = await call(
    ...['run', '--detach', '--publish', `127.0.0.1:${options.port || ''}:${PORT}`],
    ...Object.entries(options.environment).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    ...(options.modelData ? ['--volume', `${resolve(options.modelData)}:/opt/ml/model:ro`] : []),
    ...[image, 'serve'],
  )
  const ended = call('wait', id).then(async (code): Promise<End> => {
    const killed = await call('inspect', '--format', '{{.State.OOMKilled}}', id).catch(() => '')
    return { exitCode: Number(code.split('\n').at(-1)), ...(killed === 'true' ? { reason: 'OOMKilled' } : {}) }
  })
  // Removal ends the wait with an error, when nobody waits any more.
  ended.catch(() => {})
  const remove = async () => {
    await call('rm', '--force', id).catch(() => {})
  }
  try {
    const published = await call('port', id, `${PORT}/tcp`).catch(() => '')
    const port = options.port || Number(/:(\d+)\s*$/m.exec(published)?.[1] ?? 0)
    return {
      port,
      listensOn: PORT,
      ended,
      async terminate(limitSeconds) {
        const start = performance.now()
        await call('stop', '--time', String(limitSeconds), id)
        return terminatePhase(await ended, Math.round(performance.now() - start), limitSeconds)
      },
      async output() {
        const { stdout, stderr } = await exec(engine, ['logs', '--tail', String(LOG_LINES), id], {
          maxBuffer: MAX_OUTPUT,
        })
        return `${stdout}\n${stderr}`
      },
      remove,
    }
  } catch (error) {
    await remove()
    throw error
  }
}
