import fc from 'fast-check'
import { connect, type KubeClient } from '../../operator/kube/client.ts'
import { sequences } from './commands.ts'
import { brief } from './history.ts'
import { type Lived, live, SequenceFailure } from './run.ts'

export type BatchOptions = {
  kubeconfigPath: string
  /** Sequence n has seed + n. */
  seed: number
  /** Whether another sequence is to be begun, asked with its number. */
  more(number: number): boolean
  /** How many live at once, each in a namespace and a cloud of its own. */
  lanes?: number
  /** fast-check's path to a shrunk sequence; the first only. */
  path?: string | undefined
  /** Looks for a shorter sequence that fails too; takes minutes. */
  shrink?: boolean
  onPassed?(number: number, lived: Lived[]): void
  onFailed?(number: number, report: Report): void
}

/** Of a failed sequence. */
export type Report = {
  /** With all that happened: some hundred kilobytes. */
  whole: string
  /** For where only the end of an output can be read: at most some kilobytes. */
  brief: string
}

export type BatchResult = { sequences: number; passed: number; failed: number }

const LANES = 8
const MAX_BRIEF_REASON = 4_000

/** Lives through sequences, several at a time: they mostly wait. */
export async function batch(options: BatchOptions): Promise<BatchResult> {
  const { seed, more, lanes = LANES } = options
  // The SDK's clients sign; the local cloud believes everybody.
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' })
  const kube = connect({ kubeconfigPath: options.kubeconfigPath })
  const result: BatchResult = { sequences: 0, passed: 0, failed: 0 }
  let next = 0
  const lane = async () => {
    while (more(next)) {
      const number = next++
      const report = await one(kube, seed + number, options, (lived) => options.onPassed?.(number, lived))
      result.sequences++
      if (report === undefined) result.passed++
      else {
        result.failed++
        options.onFailed?.(number, report)
      }
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return result
}

/** Answers what is to be said of its failure, if it failed. */
async function one(
  kube: KubeClient,
  seed: number,
  { path, shrink = false }: BatchOptions,
  onPassed: (lived: Lived[]) => void,
): Promise<Report | undefined> {
  const lived: Lived[] = []
  const property = fc.asyncProperty(
    fc.noBias(sequences),
    async (sequence) => void lived.push(await live(kube, sequence)),
  )
  const details = await fc.check(property, {
    seed,
    numRuns: 1,
    endOnFailure: !shrink,
    ...(path === undefined ? {} : { path }),
  })
  if (!details.failed) {
    onPassed(lived)
    return undefined
  }
  const { counterexample, counterexamplePath, errorInstance } = details
  const commands = counterexample?.[0].commands.map((command) => `  ${JSON.stringify(command)}`) ?? []
  const head = [
    `seed ${seed}, path ${counterexamplePath}`,
    `again:    npm run soak -- --seed ${seed} --path ${counterexamplePath}`,
    `shorter:  npm run soak -- --seed ${seed} --shrink`,
  ]
  const why = errorInstance instanceof Error ? errorInstance.message : String(errorInstance)
  const lines = errorInstance instanceof SequenceFailure ? errorInstance.history : []
  return {
    whole: [...head, 'Commands:', ...commands, why, 'History:', ...lines].join('\n'),
    brief: ['What was done:', ...brief(lines), ...head, why.slice(0, MAX_BRIEF_REASON)].join('\n'),
  }
}
