import { cut, type Phase } from './result.ts'

/** How a container ended. 137 is 128 + SIGKILL, 143 is 128 + SIGTERM. */
export type End = {
  exitCode: number
  /** The runtime's word for it, where it has one: OOMKilled, StartError. */
  reason?: string | undefined
}

const KILLED = 137
const TERMINATED = 143

/** Whether it ended after SIGTERM, by itself and in time. `milliseconds` from SIGTERM to its end. */
export function terminatePhase({ exitCode, reason }: End, milliseconds: number, limitSeconds: number): Phase {
  const phase = { name: 'terminate', milliseconds }
  if (reason === 'OOMKilled') return { ...phase, verdict: 'Fail', message: OUT_OF_MEMORY }
  if (exitCode === 0 || exitCode === TERMINATED) return { ...phase, verdict: 'Pass' }
  if (exitCode !== KILLED) return { ...phase, verdict: 'Pass', message: `It ended with code ${exitCode}.` }
  // The kubelet's times are whole seconds.
  if (milliseconds < limitSeconds * 1000 - 1500)
    return { ...phase, verdict: 'Pass', message: 'It ended with code 137 by itself.' }
  return {
    ...phase,
    verdict: 'Fail',
    message: `It had not exited ${limitSeconds} s after SIGTERM and was killed: SageMaker then loses the requests under way. Handle SIGTERM in the first process; with an ENTRYPOINT in shell form that is a shell, which passes no signals on: use the exec form, ["…"].`,
  }
}

const OUT_OF_MEMORY = 'It was killed for want of memory: raise resources.limits.memory, or load less.'

/** A container that ended although nobody asked it to. `output` is what it or the runtime said last. */
export function earlyEnd({ exitCode, reason }: End, output = ''): Phase {
  return { name: 'run', verdict: 'Fail', message: cut(why()) }

  function why(): string {
    if (reason === 'OOMKilled') return OUT_OF_MEMORY
    if (reason === 'StartError' || reason === 'ContainerCannotRun')
      return `It cannot be started: ENTRYPOINT must name a program that runs on this platform; it gets the argument serve in the place of CMD. ${oneLine(output)}`.trim()
    if (exitCode === 126)
      return 'Its entrypoint cannot be executed (code 126): make it executable, and build it for the platform of the node.'
    if (exitCode === 127)
      return 'Its entrypoint, or the interpreter in its first line, does not exist (code 127): correct ENTRYPOINT.'
    return `The container exited by itself with code ${exitCode}: the end of its log says why. It is started with the argument serve in the place of CMD.`
  }
}

/** A runtime's error is long; its end says what it was. */
function oneLine(text: string): string {
  const line = text.replace(/[\s\p{Cc}]+/gu, ' ').trim()
  return line.length > 140 ? `…${line.slice(-139)}` : line
}
