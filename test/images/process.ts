import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const exec = promisify(execFile)

/** A build prints every file that it copies, a listing every file of an image. */
const MAX_OUTPUT = 256 * 1024 * 1024

export type RunOptions = { environment?: Record<string, string>; timeoutMs?: number }

/**
 * Runs a program to its end and answers what it wrote to standard output.
 * @throws Error with the program's own last words
 */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  try {
    const { stdout } = await exec(program, args, {
      env: { ...process.env, ...options.environment },
      maxBuffer: MAX_OUTPUT,
      ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
    })
    return stdout
  } catch (cause) {
    const { stdout = '', stderr = '' } = cause as { stdout?: string; stderr?: string }
    const words = `${stdout}\n${stderr}`.trim().split('\n').slice(-25).join('\n')
    throw new Error(`${program} ${args.slice(0, 3).join(' ')} … failed:\n${words}`, { cause })
  }
}
