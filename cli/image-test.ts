import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { earlyEnd } from '../operator/images/contract/container-end.ts'
import { sendTo } from '../operator/images/contract/exchange.ts'
import { type ContractResult, type Phase, resultOf } from '../operator/images/contract/result.ts'
import { contractTest } from '../operator/images/contract/run.ts'
import { logTail } from '../operator/images/log-tail.ts'
import { ENGINES, type Engine, findEngine, startContainer } from './image-test/container-target.ts'
import { type Declared, readManifests, undeclared } from './image-test/manifest.ts'
import { startProcess } from './image-test/process-target.ts'
import type { Target } from './image-test/target.ts'
import { table } from './table.ts'

export const IMAGE_TEST_USAGE = `kubectl mooring image test REF [options]
kubectl mooring image test [options] --command PROGRAM [ARGUMENT…]

  -f, --file PATH              manifests with a ModelImage, whose spec.contractTest is run; ConfigMaps for inputs beside it
      --model-data FOLDER      read-only at /opt/ml/model in the image; SM_MODEL_DIR of the program
      --ping-timeout SECONDS   in place of pingTimeoutSeconds
      --port PORT              default 8080 where it is free, 0 for any; a program is told by SAGEMAKER_BIND_TO_PORT
      --engine NAME            ${ENGINES.join(', ')}; default: the first on PATH
  -o, --output table|json      default table
      --command …              tests this program, with all that follows it as its arguments, in place of an image

Exits with 0 where the contract is kept, 1 where it is broken, 3 where it could not be tested.
`

const EXIT_CODES = { Passed: 0, Failed: 1, Error: 3 } as const
const USAGE_ERROR = 2
const NOT_TESTED = 3
const SIGNALS = ['SIGINT', 'SIGTERM'] as const
/** As shells say it. */
const INTERRUPTED: Partial<Record<NodeJS.Signals, number>> = { SIGINT: 130, SIGTERM: 143 }

type Options = {
  image: string | undefined
  command: string[]
  file: string | undefined
  modelData: string | undefined
  pingTimeoutSeconds: number | undefined
  port: number | undefined
  engine: Engine | undefined
  output: 'table' | 'json'
}

/** Runs the container contract on this machine, against a program or an image. Answers the exit code. */
export async function imageTest(args: string[]): Promise<number> {
  const options = read(args)
  if (!options) {
    process.stderr.write(IMAGE_TEST_USAGE)
    return USAGE_ERROR
  }
  try {
    return await testAndReport(options)
  } catch (error) {
    process.stderr.write(`kubectl mooring image test: ${error instanceof Error ? error.message : String(error)}\n`)
    return NOT_TESTED
  }
}

async function testAndReport(options: Options): Promise<number> {
  const declared = options.file ? await readManifests(options.file) : undeclared()
  if (options.pingTimeoutSeconds) {
    declared.test.pingTimeoutSeconds = options.pingTimeoutSeconds
    declared.test.timeoutSeconds = Math.max(declared.test.timeoutSeconds, options.pingTimeoutSeconds)
  }
  const target = await start(options, declared)
  // Ctrl-C, or the end of a pipeline, leaves nothing running.
  const interrupt = (signal: NodeJS.Signals) => void target.remove().finally(() => process.exit(INTERRUPTED[signal]))
  for (const signal of SIGNALS) process.once(signal, interrupt)
  try {
    const result = await runContract(target, declared)
    const tail = logTail(await target.output())
    process.stdout.write(
      options.output === 'json' ? `${JSON.stringify({ ...result, logTail: tail }, null, 2)}\n` : report(result, tail),
    )
    return EXIT_CODES[result.verdict]
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupt)
    await target.remove()
  }
}

function read(args: string[]): Options | undefined {
  const at = args.indexOf('--command')
  const command = at < 0 ? [] : args.slice(at + 1)
  const { values, positionals } = parseArgs({
    args: at < 0 ? args : args.slice(0, at),
    allowPositionals: true,
    options: {
      file: { type: 'string', short: 'f' },
      'model-data': { type: 'string' },
      'ping-timeout': { type: 'string' },
      port: { type: 'string' },
      engine: { type: 'string' },
      output: { type: 'string', short: 'o', default: 'table' },
    },
  })
  const [image, ...more] = positionals
  const engine = ENGINES.find((known) => known === values.engine)
  const port = values.port === undefined ? undefined : Number(values.port)
  const pingTimeoutSeconds = values['ping-timeout'] === undefined ? undefined : Number(values['ping-timeout'])
  const { output } = values
  const wrong =
    more.length > 0 ||
    (image === undefined) === (command.length === 0) ||
    (values.engine !== undefined && !engine) ||
    (port !== undefined && !(Number.isInteger(port) && port >= 0 && port < 65_536)) ||
    (pingTimeoutSeconds !== undefined && !(pingTimeoutSeconds > 0))
  if (wrong || (output !== 'table' && output !== 'json')) return undefined
  return {
    image,
    command,
    file: values.file,
    modelData: values['model-data'],
    pingTimeoutSeconds,
    port,
    engine,
    output,
  }
}

async function start({ image, command, engine, ...options }: Options, { test }: Declared): Promise<Target> {
  const given = { environment: test.environment ?? {}, modelData: options.modelData, port: options.port }
  if (image === undefined) return startProcess(command, given)
  if (test.isolation)
    process.stderr.write(
      'note: with its port published, the container has a network; the Job in the cluster has none.\n',
    )
  return startContainer(engine ?? (await findEngine()), image, given)
}

/** The requests, then SIGTERM; or, where it ended before, why. */
async function runContract(target: Target, { test, input }: Declared): Promise<ContractResult> {
  const over = new AbortController()
  const ended = target.ended.then((end) => {
    over.abort()
    return end
  })
  const now = () => performance.now()
  const clock = {
    now,
    delay: (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }),
    signal: over.signal,
  }
  const { port, listensOn } = target
  let phases: Phase[]
  try {
    const send = sendTo(`http://127.0.0.1:${port}`, now)
    const result = await contractTest({ send, port: listensOn, contract: test, input, clock })
    phases = over.signal.aborted ? result.phases : [...result.phases, await target.terminate(test.terminationSeconds)]
    if (!over.signal.aborted || phases.length > result.phases.length) return resultOf(phases)
  } catch (error) {
    if (!over.signal.aborted) throw error
    phases = []
  }
  return resultOf([
    ...phases.filter(({ verdict }) => verdict === 'Pass'),
    earlyEnd(await ended, (await target.output()).slice(-200)),
  ])
}

function report({ verdict, message, phases }: ContractResult, tail: readonly string[]): string {
  const rows = phases.map((phase) => [
    phase.verdict,
    phase.name,
    phase.milliseconds === undefined ? '' : `${phase.milliseconds} ms`,
    phase.message ?? '',
  ])
  const log =
    verdict === 'Passed' || tail.length === 0
      ? ''
      : `\nIts last lines:\n${tail.map((line) => `  ${line}`).join('\n')}\n`
  return `${table([['VERDICT', 'PHASE', 'TIME', 'MESSAGE'], ...rows])}${log}\n${verdict}${message ? `: ${message}` : ''}\n`
}
