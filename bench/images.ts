import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { imageChecks } from '../operator/api/image-checks.ts'
import { runChecks } from '../operator/images/checks/run.ts'
import { inspect } from '../operator/images/inspect.ts'
import { fileIndex } from '../operator/images/layers/files.ts'
import { registryFetch } from '../operator/images/oci/fetch.ts'
import { ociSource } from '../operator/images/oci/source.ts'

/**
 * What it takes to check an image: an image of 22 GB in 40 layers by its manifest and configuration, and one layer of small files by its list.
 * See bench/README.md.
 */
const LAYERS = 40
const GIGABYTES = 22
const FILES = 20_000
const RUNS = 20
const PLATFORM = { os: 'linux', architecture: 'amd64' }
const MB = 1_000_000

const server = spawn(
  process.execPath,
  [
    '--disable-warning=ExperimentalWarning',
    join(import.meta.dirname, 'images-server.ts'),
    ...[LAYERS, GIGABYTES, FILES].map(String),
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
)
const [line] = (await once(createInterface({ input: server.stdout }), 'line')) as [string]
const { port, packedBytes, unpackedBytes } = JSON.parse(line) as Record<
  'port' | 'packedBytes' | 'unpackedBytes',
  number
>
const host = `127.0.0.1:${port}`
const fetch = registryFetch()
const source = ociSource({
  reference: { host, repository: 'bench', repositoryUri: `${host}/bench` },
  fetch,
  now: Date.now,
  plainHttp: [host],
})
const signal = AbortSignal.timeout(10 * 60_000)
const spec = imageChecks.parse({})
const target = { instanceTypes: ['ml.g5.2xlarge'] }

/** Runs it, and watches the memory: how far the process grew beyond what it had before, at its largest. */
async function measured<T>(work: () => Promise<T>): Promise<{ result: T; seconds: number; grownMB: number }> {
  const before = process.memoryUsage.rss()
  let largest = before
  const timer = setInterval(() => {
    largest = Math.max(largest, process.memoryUsage.rss())
  }, 2)
  const started = performance.now()
  const result = await work()
  const seconds = (performance.now() - started) / 1000
  clearInterval(timer)
  return { result, seconds, grownMB: (Math.max(largest, process.memoryUsage.rss()) - before) / MB }
}

const check = async () => {
  const facts = await inspect(source, { tag: 'big' }, PLATFORM, signal)
  const results = await runChecks(spec, facts, { source, files: fileIndex(), target, now: new Date(), signal })
  return { facts, results }
}
const first = await measured(check)
const more = await measured(async () => {
  for (let run = 0; run < RUNS; run++) await check()
})
const { layers } = await inspect(source, { tag: 'files' }, PLATFORM, signal)
const wanted = { required: ['/models/m1/absent'], forbidden: ['/root/.aws/*', '/**/id_rsa', '/**/*.pem'] }
const list = await measured(() => fileIndex().find(source, layers, wanted, signal))
if (list.result.undecided.size > 0) throw new Error(`the layer was not read: ${list.result.unread}`)

const round = (value: number) => Number(value.toFixed(value < 1 ? 3 : 1))
const { facts, results } = first.result
console.log(
  `${facts.layers.length} layers, ${(facts.sizeBytes / 1e9).toFixed(1)} GB: ${results.length} checks in ${first.seconds.toFixed(2)} s, ` +
    `${first.grownMB.toFixed(0)} MB more memory; again in ${((more.seconds / RUNS) * 1000).toFixed(0)} ms`,
)
console.log(
  `a layer of ${FILES} files, ${(packedBytes / MB).toFixed(0)} MB packed: searched in ${list.seconds.toFixed(1)} s, ` +
    `${(packedBytes / MB / list.seconds).toFixed(0)} MB/s, ${list.grownMB.toFixed(0)} MB more memory`,
)
console.log(
  JSON.stringify({
    layers: facts.layers.length,
    bytes: facts.sizeBytes,
    checks: results.length,
    seconds: round(first.seconds),
    grownMB: round(first.grownMB),
    againSeconds: round(more.seconds / RUNS),
    grownMBAfterAgain: round(more.grownMB),
    layerFiles: FILES,
    layerPackedMB: round(packedBytes / MB),
    layerUnpackedMB: round(unpackedBytes / MB),
    layerSeconds: round(list.seconds),
    layerMBPerSecond: round(packedBytes / MB / list.seconds),
    layerGrownMB: round(list.grownMB),
    rssMB: round(process.memoryUsage.rss() / MB),
  }),
)
await fetch.close()
server.kill()
