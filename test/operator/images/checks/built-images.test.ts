import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import type { CheckName } from '../../../../operator/api/image-checks.ts'
import type { Verdict } from '../../../../operator/images/checks.ts'
import { startRegistry, type TestRegistry } from '../../../registry.ts'
import { type CheckIn, checksIn } from './from-registry.ts'
import type { GivenChecks } from './images.ts'

const run = promisify(execFile)
/** A hang detector: an image without a base takes a second. */
const LIMIT_MS = 240_000

type BuiltImage = {
  what: string
  containerfile: string
  checks?: GivenChecks
  options?: string[]
  says: [CheckName, Verdict, string]
}

const PROGRAM = 'COPY app /opt/program\nEXPOSE 8080\n'
const EXEC = 'ENTRYPOINT ["python", "/opt/program/inference.py"]\n'
// In pieces: scanners of repositories know this form too.
const GITHUB = `ghp_${'x'.repeat(36)}`

const BUILT_IMAGES: BuiltImage[] = [
  {
    what: 'is good',
    containerfile: `${PROGRAM}${EXEC}`,
    checks: { requiredPaths: { paths: ['/opt/program/inference.py'] } },
    says: ['requiredPaths', 'Pass', '/opt/program/inference.py'],
  },
  {
    what: 'is good, in Docker’s format',
    containerfile: `${PROGRAM}${EXEC}`,
    options: ['--format', 'docker'],
    checks: { requiredPaths: { paths: ['/opt/program/inference.py'] } },
    says: ['requiredPaths', 'Pass', '/opt/program/inference.py'],
  },
  {
    what: 'has an ENTRYPOINT in shell form',
    containerfile: `${PROGRAM}ENTRYPOINT python /opt/program/inference.py\n`,
    checks: { execForm: { policy: 'Enforce' } },
    says: ['execForm', 'Fail', 'runs python /opt/program/inference.py in a shell'],
  },
  {
    what: 'has its command in CMD',
    containerfile: `${PROGRAM}CMD ["python", "/opt/program/inference.py"]\n`,
    says: ['serveArgument', 'Fail', 'serve replaces CMD'],
  },
  {
    what: 'has a program serve on its PATH',
    containerfile: `${PROGRAM}ENV PATH=/opt/program:/bin\nWORKDIR /opt/program\n`,
    says: ['serveArgument', 'Pass', '/opt/program/serve'],
  },
  {
    what: 'has lost its model to .dockerignore',
    containerfile: `${PROGRAM}${EXEC}`,
    checks: { requiredPaths: { paths: ['/opt/program/model.onnx'] } },
    says: ['requiredPaths', 'Fail', 'lacks /opt/program/model.onnx'],
  },
  {
    what: 'keeps a token of its build',
    containerfile: `${PROGRAM}ENV PIP_TOKEN=${GITHUB}\n${EXEC}`,
    says: ['secrets', 'Fail', 'a GitHub token in ENV PIP_TOKEN'],
  },
  {
    what: 'was built for another processor',
    containerfile: `${PROGRAM}${EXEC}`,
    options: ['--platform', 'linux/arm64'],
    checks: {},
    says: ['platform', 'Fail', 'linux/arm64'],
  },
]

const buildahIsThere = await run('buildah', ['--version']).then(
  () => true,
  () => false,
)
const built = buildahIsThere ? test.serial : test.serial.skip
if (!buildahIsThere)
  console.log('Images by buildah are not checked: buildah is not on PATH (Debian: apt-get install buildah).')

let folder: string
let registry: TestRegistry
let checked: CheckIn
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mooring-built-'))
  const files = {
    'app/inference.py': 'print()',
    'app/serve': '#!/bin/sh',
    'app/model.onnx': 'onnx',
    '.dockerignore': '*.onnx\n**/*.onnx\n',
  }
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), content)
  }
  await chmod(join(folder, 'app/serve'), 0o755)
  registry = await startRegistry()
  checked = checksIn(registry)
})
test.after.always(async () => {
  await registry?.stop()
  await rm(folder, { recursive: true, force: true })
})

/** With a store of its own, and as little of the kernel as copying takes. */
async function buildah(...args: string[]): Promise<void> {
  const env = { ...process.env, STORAGE_DRIVER: 'vfs', BUILDAH_ISOLATION: 'chroot' }
  const store = ['--root', join(folder, 'store'), '--runroot', join(folder, 'run')]
  await run('buildah', [...store, ...args], { env, timeout: LIMIT_MS })
}

for (const [index, { what, containerfile, checks, options = [], says }] of BUILT_IMAGES.entries()) {
  const [name, verdict, text] = says
  built(`${name} says of an image that buildah made and pushed, and that ${what}: ${verdict}`, async (t) => {
    const image = `${registry.host}/built/${index}:1.0.0`
    await writeFile(join(folder, 'Containerfile'), `FROM scratch\n${containerfile}`)
    await buildah('build', '--quiet', ...options, '--file', join(folder, 'Containerfile'), '--tag', image, folder)
    await buildah('push', '--quiet', '--tls-verify=false', image)
    const results = await checked(`built/${index}:1.0.0`, checks, { instanceTypes: ['ml.m5.xlarge'] })
    const result = results.find((one) => one.name === name)
    t.is(result?.verdict, verdict, result?.message)
    t.true(result?.message.includes(text), result?.message)
  })
}
