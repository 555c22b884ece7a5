import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { startLocalCloud } from '../../local/cloud.ts'
import { imageOf, layerOf, push } from '../oci-images.ts'
import { startRegistry, type TestRegistry, USER } from '../registry.ts'

const MAIN = join(import.meta.dirname, '..', '..', 'cli', 'main.ts')
const SAMPLE = join(import.meta.dirname, '..', '..', 'samples', 'segment', 'model-image.yaml')
/** A hang detector: the command ends by itself. */
const LIMIT_MS = 120_000

type Ended = { code: number; out: string; err: string }

const folder = await mkdtemp(join(tmpdir(), 'mooring-image-check-'))
let registry: TestRegistry
let asking: TestRegistry
let good: string

test.before(async () => {
  registry = await startRegistry()
  asking = await startRegistry({ auth: 'basic' })
  const image = imageOf({
    layers: [await layerOf({ 'opt/program/inference.py': '', 'opt/ml/model/model.onnx': 'onnx' })],
    config: { Entrypoint: ['python', '/opt/program/inference.py'], ExposedPorts: { '8080/tcp': {} } },
  })
  good = await push(registry, 'good', image, '1.4.0', 'latest')
  await push(registry, 'warned', imageOf({ config: { Entrypoint: ['python', 'x.py'] } }), '1.4.0')
  await push(registry, 'wrong', imageOf({ config: { Entrypoint: ['python', 'serve.py'] } }), '1.4.0')
  await push(asking, 'private', image, '1.4.0')
})
test.after.always(async () => {
  await registry?.stop()
  await asking?.stop()
  await rm(folder, { recursive: true, force: true })
})

/** Runs the command as a user does, with no credentials of whoever runs the tests. */
function check(args: string[], environment: Record<string, string> = {}): Promise<Ended> {
  const env = { PATH: process.env.PATH ?? '', HOME: folder, ...environment }
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, 'image', 'check', ...args], { env, timeout: LIMIT_MS }, (error, out, err) =>
      resolve({ code: error ? Number(error.code ?? -1) : 0, out, err }),
    )
  })
}

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

const manifest = (spec: string) =>
  `apiVersion: mooring.dev/v1alpha1\nkind: ModelImage\nmetadata: { name: segment }\nspec:\n${spec}`
const plain = (...args: string[]) => [...args, '--plain-http']

test('a good image: a table, and exit code 0', async (t) => {
  const { code, out, err } = await check(plain(`${registry.host}/good:1.4.0`))
  t.is(code, 0, err)
  t.true(out.startsWith(`${registry.host}/good@${good}\n`), out)
  t.regex(out, /^VERDICT +CHECK +POLICY +MESSAGE$/m)
  t.regex(out, /^Pass +serveArgument +Enforce +ENTRYPOINT runs python with the argument serve\.$/m)
  t.regex(out, /^Pass: 0 failed, 0 warnings$/m)
})

test('JSON is one document, for programs, and nothing else is printed', async (t) => {
  const { code, out, err } = await check(plain(`${registry.host}/good@${good}`, '-o', 'json'))
  t.is(code, 0, err)
  t.is(err, '')
  const { checks, ...image } = JSON.parse(out)
  t.like(image, {
    image: `${registry.host}/good@${good}`,
    digest: good,
    platform: { os: 'linux', architecture: 'amd64' },
    layers: 1,
    verdict: 'Pass',
  })
  t.deepEqual(
    checks.find(({ name }: { name: string }) => name === 'port'),
    { name: 'port', verdict: 'Pass', policy: 'Warn', message: 'The image declares port 8080.' },
  )
})

test('warnings alone are exit code 0, or 1 where they are asked to count', async (t) => {
  const image = `${registry.host}/warned:1.4.0`
  const lenient = await check(plain(image))
  t.is(lenient.code, 0, lenient.err)
  t.regex(lenient.out, /^Warn +port /m)
  const strict = await check(plain(image, '--warnings-as-errors', '-o', 'json'))
  t.is(strict.code, 1)
  t.is(JSON.parse(strict.out).verdict, 'Fail')
})

test('a ModelImage says what is checked: an enforced check that fails is exit code 1', async (t) => {
  const path = await file(
    'wrong.yaml',
    `${manifest(`  image: ${registry.host}/wrong:1.4.0\n  checks:\n    entrypoint: { matches: ['inference\\.py$'] }\n    requiredPaths: { paths: [/opt/ml/model/model.onnx] }\n`)}---\nkind: ConfigMap\n`,
  )
  const wrong = await check(plain('--file', path))
  t.is(wrong.code, 1, wrong.err)
  t.regex(wrong.out, /^Fail +entrypoint +Enforce +ENTRYPOINT is python serve\.py, which does not match/m)
  t.regex(wrong.out, /^Fail +requiredPaths +Enforce +The image lacks \/opt\/ml\/model\/model\.onnx/m)
  // The image of the command line goes before that of the file.
  const right = await check(plain(`${registry.host}/good:1.4.0`, '--file', path))
  t.is(right.code, 0, right.out)
})

test('the instance types to run on can be given, for what the image is checked against', async (t) => {
  const { code, out } = await check(plain(`${registry.host}/good:1.4.0`, '-t', 'ml.m5.xlarge', '-t', 'ml.c7g.xlarge'))
  t.is(code, 1)
  t.regex(out, /^Fail +platform .*ml\.c7g\.xlarge runs linux\/arm64/m)
})

test('what was typed wrongly is exit code 2, says what, and shows how', async (t) => {
  const image = `${registry.host}/good:1.4.0`
  const mistakes: [string[], string][] = [
    [[], 'give one image'],
    [[image, image], 'give one image'],
    [['good:1.4.0'], 'good:1.4.0 is no image: write <host>/<repository>:<tag>'],
    [[image, '--output', 'yaml'], '--output is table or json'],
    [[image, '--platform', 'amd64'], 'write linux/amd64 or linux/arm64'],
    [[image, '--instance-type', 'g5.2xlarge'], 'write ml.g5.2xlarge'],
    [[image, '--timeout', 'soon'], '--timeout is a number of seconds'],
    [[image, '--strict'], "Unknown option '--strict'"],
  ]
  for (const [args, says] of mistakes) {
    const { code, out, err } = await check(args)
    t.is(code, 2, args.join(' '))
    t.is(out, '')
    t.true(err.includes(says), err)
    t.true(err.includes('kubectl mooring image check [IMAGE]'), err)
  }
})

test('a manifest that the API server would not take is exit code 2, and says where', async (t) => {
  const image = '  image: registry.example/x:1\n'
  const mistakes: [string, string][] = [
    ['kind: ConfigMap\n', '0 objects of kind ModelImage'],
    [`${manifest(image)}---\n${manifest(image)}`, '2 objects of kind ModelImage'],
    ['a: [', 'is not YAML'],
    [manifest(`${image}  checks: { tag: { policy: Maybe } }\n`), 'spec.checks.tag.policy'],
    [manifest(`${image}  checks: { requiredPath: { paths: [/m] } }\n`), 'spec.checks.requiredPath is no field'],
    [manifest(`${image}  checks: { tag: { forbid: [latest] } }\n`), 'spec.checks.tag.forbid is no field'],
  ]
  for (const [index, [text, says]] of mistakes.entries()) {
    const { code, err } = await check(['--file', await file(`mistake-${index}.yaml`, text)])
    t.is(code, 2, text)
    t.true(err.includes(says), err)
  }
  const absent = await check(['--file', join(folder, 'absent.yaml')])
  t.is(absent.code, 2)
  t.true(absent.err.includes('ENOENT'), absent.err)
})

test('a registry that does not answer, or has no such image, is exit code 2: nothing was checked', async (t) => {
  const missing = await check(plain(`${registry.host}/good:2.0.0`))
  t.is(missing.code, 2)
  t.true(missing.err.includes(`There is no image ${registry.host}/good:2.0.0`), missing.err)
  const silent = await check(plain('127.0.0.1:1/good:1.4.0'))
  t.is(silent.code, 2)
  t.true(silent.err.includes('127.0.0.1:1 cannot be read'), silent.err)
  const tls = await check([`${registry.host}/good:1.4.0`])
  t.is(tls.code, 2, tls.out)
})

const auth = Buffer.from(`${USER.name}:${USER.password}`).toString('base64')
async function dockerConfig(name: string, config: object): Promise<Record<string, string>> {
  const at = await mkdtemp(join(folder, `${name}-`))
  await writeFile(join(at, 'config.json'), JSON.stringify(config))
  return { DOCKER_CONFIG: at }
}

test('the credentials are those of docker login, by itself or by a credential helper, and are never printed', async (t) => {
  const image = `${asking.host}/private:1.4.0`
  const anonymous = await check(plain(image))
  t.is(anonymous.code, 2, anonymous.out)
  t.true(anonymous.err.includes('asks for a password'), anonymous.err)
  t.true(anonymous.err.includes('docker login'), anonymous.err)

  const byConfig = await check(plain(image), await dockerConfig('auths', { auths: { [asking.host]: { auth } } }))
  t.is(byConfig.code, 0, byConfig.err)

  const bin = await mkdtemp(join(folder, 'bin-'))
  const helper = async (name: string, script: string) => {
    await writeFile(join(bin, `docker-credential-${name}`), `#!/bin/sh\n${script}\n`)
    await chmod(join(bin, `docker-credential-${name}`), 0o755)
  }
  await helper(
    'works',
    `read host; [ "$1" = get ] && [ "$host" = "${asking.host}" ] && printf '{"ServerURL":"%s","Username":"${USER.name}","Secret":"${USER.password}"}' "$host"`,
  )
  await helper('fails', `echo "${USER.password} is locked"; exit 1`)
  await helper('empty', 'echo "credentials not found in native keychain"; exit 1')
  const PATH = `${bin}:${process.env.PATH}`
  const run = async (config: object) => check(plain(image), { ...(await dockerConfig('helper', config)), PATH })

  const byHelper = await run({ credHelpers: { [asking.host]: 'works' }, credsStore: 'fails' })
  t.is(byHelper.code, 0, byHelper.err)
  const fallback = await run({ credsStore: 'empty', auths: { [asking.host]: { auth } } })
  t.is(fallback.code, 0, fallback.err)
  const failed = await run({ credsStore: 'fails' })
  t.is(failed.code, 2)
  t.true(failed.err.includes(`docker-credential-fails ended with 1: run docker login ${asking.host}`), failed.err)
  const absent = await run({ credsStore: 'absent' })
  t.is(absent.code, 2)
  t.true(absent.err.includes('docker-credential-absent'), absent.err)
  for (const { out, err } of [anonymous, byConfig, byHelper, failed, absent])
    t.false(`${out}${err}`.includes(USER.password))
})

test('an image in Amazon ECR is read by the AWS SDK, with its credentials', async (t) => {
  const cloud = await startLocalCloud({
    images: [{ repository: 'sam-lite', tag: '1.0.0', command: [], entrypoint: ['python', 'inference.py'] }],
  })
  t.teardown(() => cloud.stop())
  const image = '123456789012.dkr.ecr.us-east-1.amazonaws.com/sam-lite:1.0.0'
  const { code, out, err } = await check([image, '-o', 'json'], cloud.environment)
  t.is(code, 0, err)
  t.is(JSON.parse(out).verdict, 'Pass')
  const missing = await check([image.replace('1.0.0', '2.0.0')], cloud.environment)
  t.is(missing.code, 2)
  t.true(missing.err.includes('sam-lite:2.0.0'), missing.err)
})

test('the sample’s ModelImage can be given as it is', async (t) => {
  const { code, err } = await check(plain('--file', SAMPLE, `${registry.host}/good:1.4.0`))
  t.is(code, 0, err)
})
