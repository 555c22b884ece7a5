import { parseArgs } from 'node:util'
import { architectureOf } from '../operator/api/instance-types.ts'
import { blocked, runChecks, undecided } from '../operator/images/checks/run.ts'
import { shown } from '../operator/images/checks/text.ts'
import type { CheckResult } from '../operator/images/checks.ts'
import { ImageError, RegistryUnavailable } from '../operator/images/errors.ts'
import type { ImageFacts, Platform } from '../operator/images/facts.ts'
import { inspect } from '../operator/images/inspect.ts'
import { fileIndex } from '../operator/images/layers/files.ts'
import { parseReference } from '../operator/images/reference.ts'
import { imageSource } from './image-source.ts'
import { type Asked, defaults, readModelImage } from './model-image-file.ts'
import { table } from './table.ts'

export const IMAGE_CHECK_USAGE = `kubectl mooring image check [IMAGE] [options]

  IMAGE                    <host>/<repository>:<tag> or @sha256:<digest> (default: that of --file)
  -f, --file PATH          a manifest with one ModelImage: its spec.checks and spec.target (default: a ModelImage's defaults)
  -t, --instance-type TYPE what it is to run on, such as ml.g5.2xlarge; once for each, in place of the file's
      --ami-version NAME   inferenceAmiVersion of those instances
      --platform OS/ARCH   which image of an index (default: for the instance types, else linux/amd64)
  -o, --output FORMAT      table or json, default table
      --warnings-as-errors
      --plain-http         speak to the registry without TLS
      --timeout SECONDS    how long it all may take, default 600

  exit code: 0 good, perhaps with warnings; 1 an enforced check failed; 2 wrong usage, or the registry could not be asked
`

/** A mistake in the command line, in a sentence. */
class UsageError extends Error {}

type Options = {
  image: string
  asked: Asked
  platform: Platform
  output: 'table' | 'json'
  strict: boolean
  plainHttp: boolean
  timeoutMs: number
}

/** Runs a ModelImage's checks from here. Answers the exit code. */
export async function imageCheck(args: string[]): Promise<number> {
  try {
    const options = await read(args)
    const { image, asked, platform, plainHttp } = options
    const reference = parseReference(image)
    if (!reference)
      throw new UsageError(
        `${shown(image)} is no image: write <host>/<repository>:<tag> or <host>/<repository>@sha256:<digest>`,
      )
    if (!reference.tag && !reference.digest)
      throw new UsageError(
        `${shown(image)} names no tag: add one, since a range of versions chooses among tags only in the cluster`,
      )
    const signal = AbortSignal.timeout(options.timeoutMs)
    const { source, close } = await imageSource(reference, plainHttp)
    try {
      const facts = await inspect(source, reference, platform, signal)
      const { checks: spec, target } = asked
      const results = await runChecks(spec, facts, { source, files: fileIndex(), target, now: new Date(), signal })
      return report(facts, results, options)
    } finally {
      await close()
    }
  } catch (error) {
    process.stderr.write(`kubectl mooring: ${messageOf(error)}\n`)
    if (error instanceof ImageError && error.reason === 'RegistryDenied')
      process.stderr.write('From here, it is asked with what docker login has left: sign in again.\n')
    if (error instanceof UsageError) process.stderr.write(`\n${IMAGE_CHECK_USAGE}`)
    return 2
  }
}

async function read(args: string[]): Promise<Options> {
  const { values, positionals } = parsed(args)
  const asked = values.file === undefined ? defaults() : await readModelImage(values.file)
  const [image = asked.image, ...more] = positionals
  const timeoutMs = Number(values.timeout) * 1000
  const { output } = values
  if (image === undefined || more.length > 0) throw new UsageError('give one image')
  if (output !== 'table' && output !== 'json') throw new UsageError('--output is table or json')
  if (!(timeoutMs > 0)) throw new UsageError('--timeout is a number of seconds')
  if (values['instance-type']) asked.target = { ...asked.target, instanceTypes: values['instance-type'] }
  const misnamed = asked.target.instanceTypes.find((type) => !/^ml\.[a-z0-9-]+\.[a-z0-9]+$/.test(type))
  if (misnamed !== undefined)
    throw new UsageError(`${shown(misnamed)} is no instance type of SageMaker: write ml.g5.2xlarge`)
  if (values['ami-version'] !== undefined) asked.target.inferenceAmiVersion = values['ami-version']
  const platform = platformOf(values.platform, asked.target.instanceTypes)
  return {
    image,
    asked,
    platform,
    output,
    strict: values['warnings-as-errors'],
    plainHttp: values['plain-http'],
    timeoutMs,
  }
}

function parsed(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        file: { type: 'string', short: 'f' },
        'instance-type': { type: 'string', short: 't', multiple: true },
        'ami-version': { type: 'string' },
        platform: { type: 'string' },
        output: { type: 'string', short: 'o', default: 'table' },
        'warnings-as-errors': { type: 'boolean', default: false },
        'plain-http': { type: 'boolean', default: false },
        timeout: { type: 'string', default: '600' },
      },
    })
  } catch (error) {
    throw new UsageError(messageOf(error))
  }
}

function platformOf(given: string | undefined, [first]: string[]): Platform {
  if (given === undefined) return { os: 'linux', architecture: first === undefined ? 'amd64' : architectureOf(first) }
  const [, os, architecture] = /^([a-z0-9]+)\/([a-z0-9]+)$/.exec(given) ?? []
  if (!os || !architecture) throw new UsageError(`${shown(given)} is no platform: write linux/amd64 or linux/arm64`)
  return { os, architecture }
}

function report(facts: ImageFacts, results: CheckResult[], { output, strict }: Options): number {
  const warnings = results.filter(({ verdict }) => verdict === 'Warn')
  const failed = blocked(results).length + (strict ? warnings.length : 0)
  const open = undecided(results).length
  const verdict = failed > 0 ? 'Fail' : open > 0 ? 'Undecided' : 'Pass'
  const { repositoryUri, digest, indexDigest, sizeBytes, layers, config } = facts
  if (output === 'json') {
    const image = { image: `${repositoryUri}@${digest}`, digest, ...(indexDigest ? { indexDigest } : {}) }
    const platform = { os: config.os, architecture: config.architecture }
    const checks = results.map(({ name, verdict, policy, message }) => ({ name, verdict, policy, message }))
    process.stdout.write(
      `${JSON.stringify({ ...image, platform, sizeBytes, layers: layers.length, verdict, checks }, null, 2)}\n`,
    )
  } else {
    process.stdout.write(`${repositoryUri}@${digest}\n\n`)
    process.stdout.write(
      table([
        ['VERDICT', 'CHECK', 'POLICY', 'MESSAGE'],
        ...results.map(({ name, verdict, policy, message }) => [verdict, name, policy, message]),
      ]),
    )
    const counts = [
      `${blocked(results).length} failed`,
      `${warnings.length} warnings`,
      ...(open > 0 ? [`${open} could not be told`] : []),
    ]
    process.stdout.write(`\n${verdict}: ${counts.join(', ')}\n`)
  }
  return failed > 0 ? 1 : open > 0 ? 2 : 0
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause, message } = error
  // Ours say why themselves; Node's own, such as "fetch failed", leave that to their cause.
  const says = error instanceof ImageError || error instanceof RegistryUnavailable
  return !says && cause instanceof Error && cause.message !== '' ? `${message}: ${cause.message}` : message
}
