import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { type End, terminatePhase } from '../../operator/images/contract/container-end.ts'
import type { Target, TargetOptions } from './target.ts'

/** The variables of this machine that a program needs to run at all; credentials stay out, as they would stay out of a container. */
const PASSED_ON = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'TZ', 'LD_LIBRARY_PATH', 'VIRTUAL_ENV', 'PYTHONPATH']
const MAX_OUTPUT = 65_536
const SIGNALS: Record<string, number> = { SIGKILL: 137, SIGTERM: 143, SIGINT: 130, SIGSEGV: 139, SIGABRT: 134 }
const SIGNALLED = 128

/**
 * Starts a program as SageMaker starts a container: with its port in SAGEMAKER_BIND_TO_PORT, as the leader of a process group of its own, so
 * that whatever it starts can be ended with it.
 */
export async function startProcess(command: readonly string[], options: TargetOptions): Promise<Target> {
  const port = options.port || (await freePort(options.port))
  const [program = '', ...args] = command
  const child = spawn(program, args, {
    env: {
      ...passedOn(),
      ...(options.modelData ? { SM_MODEL_DIR: options.modelData } : {}),
      ...options.environment,
      SAGEMAKER_BIND_TO_PORT: String(port),
    },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-MAX_OUTPUT)
    })
  let endSignal: NodeJS.Signals | null = null
  const ended = new Promise<End>((resolve) => {
    child.once('error', (error) => {
      output += `${error.message}\n`
      resolve({ exitCode: SIGNALLED, reason: 'StartError' })
    })
    child.once('exit', (code, signal) => {
      endSignal = signal
      resolve({ exitCode: code ?? SIGNALS[signal ?? ''] ?? SIGNALLED })
    })
  })
  const killGroup = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It is gone, which is what was wanted.
    }
  }
  // Whatever ends this process, by its own doing, must leave nothing running.
  process.once('exit', killGroup)
  return {
    port,
    listensOn: port,
    ended,
    async terminate(limitSeconds) {
      const start = performance.now()
      // To the first process alone, as a container runtime does.
      child.kill('SIGTERM')
      const inTime = new AbortController()
      const late = delay(limitSeconds * 1000, undefined, { signal: inTime.signal }).then(killGroup, () => {})
      const end = await Promise.race([ended, late.then(() => ended)])
      inTime.abort()
      const phase = terminatePhase(end, Math.round(performance.now() - start), limitSeconds)
      return phase.verdict === 'Pass' && endSignal === 'SIGTERM'
        ? { ...phase, verdict: 'Warn', message: NO_HANDLER }
        : phase
    },
    output: async () => output,
    async remove() {
      killGroup()
      process.off('exit', killGroup)
    },
  }
}

const NO_HANDLER =
  'It does not handle SIGTERM, and ended by default. The first process of a container has no such default: there it would be killed after 30 s. Handle SIGTERM, or start it by an init such as tini.'

function passedOn(): Record<string, string> {
  return Object.fromEntries(
    PASSED_ON.flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

/** A TCP port that nobody listens on now; SageMaker's own where any will do and it is free. */
function freePort(wanted: number | undefined): Promise<number> {
  const listen = (port: number) =>
    new Promise<number>((resolve, reject) => {
      const server = createServer()
      server.once('error', reject)
      server.listen(port, () => {
        const address = server.address()
        server.close(() => resolve(typeof address === 'object' && address ? address.port : port))
      })
    })
  return wanted === undefined ? listen(8080).catch(() => listen(0)) : listen(wanted)
}
