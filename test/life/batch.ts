import fc from 'fast-check'
import { connect, type KubeClient } from '../../operator/kube/client.ts'
import { sequences } from './commands.ts'
import { type Lived, live } from './run.ts'

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
  onFailed?(number: number, report: string): void
}

export type BatchResult = { sequences: number; passed: number; failed: number }

const LANES = 8

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
): Promise<string | undefined> {
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
  return [
    `seed ${seed}, path ${counterexamplePath}`,
    `again:    npm run soak -- --seed ${seed} --path ${counterexamplePath}`,
    `shorter:  npm run soak -- --seed ${seed} --shrink`,
    'Commands:',
    ...commands,
    errorInstance instanceof Error ? errorInstance.message : String(errorInstance),
  ].join('\n')
}
