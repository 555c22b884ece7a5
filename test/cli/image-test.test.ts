import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { stringify } from 'yaml'
import type { ContractTestInput } from '../../operator/api/contract-test.ts'
import { eventually } from '../operator/kube/support.ts'

const REPOSITORY = join(import.meta.dirname, '..', '..')
const MAIN = join(REPOSITORY, 'cli', 'main.ts')
/** Keeps the contract, or breaks it in the way that BEHAVIOUR names. */
const SERVER = join(REPOSITORY, 'test', 'images', 'contract-model', 'server.ts')
const SERVE = ['--command', process.execPath, SERVER, 'serve']

type Outcome = { code: number; stdout: string; stderr: string }

function mooring(...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = {
      env: { ...process.env, AWS_SECRET_ACCESS_KEY: 'not-for-the-program' },
      maxBuffer: 16 * 1024 * 1024,
    }
    execFile(process.execPath, [MAIN, 'image', 'test', ...args], options, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr }),
    )
  })
}

const ONE_CAT = {
  name: 'one-cat',
  input: { inline: '{"image": 1}' },
  expect: { jsonPath: [{ path: '$.label', equals: 'cat' }] },
}

/** A file with a ModelImage, and what stands beside it. */
async function manifests(t: ExecutionContext, contractTest: ContractTestInput, ...beside: object[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mooring-image-test-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const path = join(folder, 'model-image.yaml')
  const image = {
    apiVersion: 'mooring.dev/v1alpha1',
    kind: 'ModelImage',
    metadata: { name: 'a' },
    spec: { contractTest },
  }
  await writeFile(path, [...beside, image].map((document) => stringify(document)).join('---\n'))
  return path
}

async function tested(t: ExecutionContext, behaviour: string, block: ContractTestInput = {}) {
  const file = await manifests(t, { environment: { BEHAVIOUR: behaviour }, invocations: [ONE_CAT], ...block })
  const outcome = await mooring('--file', file, '--port', '0', '--output', 'json', ...SERVE)
  const result = JSON.parse(outcome.stdout || '{}') as {
    verdict?: string
    message?: string
    phases?: { name: string; verdict: string }[]
    logTail?: string[]
  }
  return { ...outcome, ...result, verdicts: result.phases?.map((phase) => [phase.name, phase.verdict]) }
}

test.serial('a program that keeps the contract passes, with exit code 0', async (t) => {
  const { code, verdict, verdicts, logTail } = await tested(t, 'good')
  t.is(code, 0)
  t.is(verdict, 'Passed')
  t.deepEqual(verdicts, [
    ['ping', 'Pass'],
    ['one-cat', 'Pass'],
    ['terminate', 'Pass'],
  ])
  t.is(logTail?.at(-1), 'SIGTERM')
})

for (const [behaviour, title, block, verdicts, says] of [
  [
    'deaf',
    'never answers /ping with 200',
    { pingTimeoutSeconds: 2 },
    [
      ['ping', 'Fail'],
      ['one-cat', 'Skipped'],
      ['terminate', 'Pass'],
    ],
    /GET \/ping was not good within 2 s\. It answered 503 to the end/,
  ],
  [
    'stubborn',
    'ignores SIGTERM',
    { terminationSeconds: 2 },
    [
      ['ping', 'Pass'],
      ['one-cat', 'Pass'],
      ['terminate', 'Fail'],
    ],
    /had not exited 2 s after SIGTERM and was killed/,
  ],
  ['exits', 'exits at once', {}, [['run', 'Fail']], /exited by itself with code 3/],
  [
    'wrong',
    'answers wrongly',
    {},
    [
      ['ping', 'Pass'],
      ['one-cat', 'Fail'],
      ['terminate', 'Pass'],
    ],
    /\$\.label is “dog”, not “cat”/,
  ],
  [
    'chunked',
    'answers in chunks',
    {},
    [
      ['ping', 'Pass'],
      ['one-cat', 'Fail'],
      ['terminate', 'Pass'],
    ],
    /without Content-Length \(chunked\)/,
  ],
  [
    'slow',
    'answers too late',
    { invocations: [{ ...ONE_CAT, timeoutSeconds: 1 }] },
    [
      ['ping', 'Pass'],
      ['one-cat', 'Fail'],
      ['terminate', 'Pass'],
    ],
    /did not answer within 1 s/,
  ],
] as [string, string, ContractTestInput, string[][], RegExp][])
  test.serial(`a program that ${title} fails with what was wrong and its last lines, with exit code 1`, async (t) => {
    const outcome = await tested(t, behaviour, block)
    t.is(outcome.code, 1, outcome.stderr)
    t.is(outcome.verdict, 'Failed')
    t.deepEqual(outcome.verdicts, verdicts)
    t.regex(outcome.message ?? '', says)
    t.true((outcome.logTail?.length ?? 0) > 0)
  })

test.serial(
  'a program that crashes on a request fails by what is seen first: its end, or the broken connection',
  async (t) => {
    const { code, message, logTail } = await tested(t, 'crashes')
    t.is(code, 1)
    t.regex(message ?? '', /exited by itself with code 4|ended the connection before it had answered/)
    t.is(logTail?.at(-1), 'listening')
  },
)

test.serial('the table names verdicts, times and messages, and what the program printed last', async (t) => {
  const file = await manifests(t, { environment: { BEHAVIOUR: 'wrong' }, invocations: [ONE_CAT] })
  const { code, stdout } = await mooring('-f', file, '--port', '0', ...SERVE)
  t.is(code, 1)
  t.regex(
    stdout,
    /^VERDICT +PHASE +TIME +MESSAGE\nPass +ping +\d+ ms\nFail +one-cat +\d+ ms +\$\.label is “dog”, not “cat”\.\nPass +terminate/,
  )
  t.regex(stdout, /Its last lines:\n {2}started with serve/)
  t.regex(stdout, /\nFailed: one-cat: \$\.label is “dog”, not “cat”\.\n$/)
})

test.serial(
  'a program that leaves SIGTERM to its default is warned: the first process of a container has no default',
  async (t) => {
    const source =
      "require('http').createServer((q, s) => s.end()).listen(process.env.SAGEMAKER_BIND_TO_PORT); console.log(Object.keys(process.env).join())"
    const { code, stdout } = await mooring('--port', '0', '-o', 'json', '--command', process.execPath, '-e', source)
    t.is(code, 0)
    const { message, logTail } = JSON.parse(stdout)
    t.regex(message, /^terminate: It does not handle SIGTERM/)
    t.false(logTail.join().includes('AWS_SECRET_ACCESS_KEY'), 'credentials of the laptop reach the program')
  },
)

test.serial('a program that does not exist is said to be none', async (t) => {
  const { code, stdout } = await mooring('--command', join(REPOSITORY, 'no-such-program'), 'serve')
  t.is(code, 1)
  t.regex(stdout, /It cannot be started: ENTRYPOINT must name a program.*ENOENT/)
})

test.serial(
  'inputs come from a ConfigMap in the same file; where it is missing there is no verdict, and exit code 3',
  async (t) => {
    const invocations = [
      {
        name: 'stored',
        input: { configMapKeyRef: { name: 'samples', key: 'cat.bin' } },
        expect: { jsonPath: [{ path: '$.bytes', equals: '3' }] },
      },
    ]
    const samples = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'samples' },
      binaryData: { 'cat.bin': '/wD+' },
    }
    const there = await mooring('--file', await manifests(t, { invocations }, samples), '--port', '0', ...SERVE)
    t.is(there.code, 0, there.stdout)
    const missing = await mooring('--file', await manifests(t, { invocations }), '--port', '0', ...SERVE)
    t.is(missing.code, 3)
    t.regex(missing.stdout, /Put the ConfigMap samples with the key cat\.bin into the same file/)
  },
)

test.serial('mistakes in the arguments and in the file are said, before anything is started', async (t) => {
  for (const args of [
    [],
    ['a', 'b'],
    ['a', '--command', 'b'],
    ['a', '--engine', 'rkt'],
    ['a', '-o', 'xml'],
    ['--port', 'x', '--command', 'b'],
  ]) {
    const { code, stderr } = await mooring(...args)
    t.is(code, 2, args.join(' '))
    t.regex(stderr, /kubectl mooring image test REF/)
  }
  const file = await manifests(t, { pingTimeoutSeconds: 0 })
  const wrong = await mooring('--file', file, ...SERVE)
  t.is(wrong.code, 3)
  t.regex(wrong.stderr, /spec\.contractTest\.pingTimeoutSeconds: Too small/)
})

test.serial('interrupted, it leaves nothing running', async (t) => {
  const source = "process.on('SIGTERM', () => {}); console.error(process.pid); setInterval(() => {}, 1000)"
  const folder = await mkdtemp(join(tmpdir(), 'mooring-image-test-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const pidFile = join(folder, 'pid')
  const program = `require('fs').writeFileSync(${JSON.stringify(pidFile)}, String(process.pid)); ${source}`
  const cli = spawn(process.execPath, [
    MAIN,
    'image',
    'test',
    '--port',
    '0',
    '--command',
    process.execPath,
    '-e',
    program,
  ])
  const exited = once(cli, 'exit')
  await eventually('the program runs', () =>
    readFile(pidFile, 'utf8').then(
      (text) => text !== '',
      () => false,
    ),
  )
  const pid = Number(await readFile(pidFile, 'utf8'))
  cli.kill('SIGTERM')
  t.is((await exited)[0], 143)
  await eventually('the program is gone', () => {
    try {
      return !process.kill(pid, 0)
    } catch {
      return true
    }
  })
  t.pass()
})

test.serial("the repository's inference server keeps the contract, and segments a photograph on the way", async (t) => {
  const photo = await readFile(join(REPOSITORY, 'samples', 'photo', 'coffee.jpg'))
  const body = JSON.stringify({ task: 'segment', image: photo.toString('base64'), points: [[340, 240]] })
  const samples = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'photo' },
    binaryData: { 'request.json': Buffer.from(body).toString('base64') },
  }
  const file = await manifests(
    t,
    {
      environment: { MOORING_INTRA_OP_THREADS: '1' },
      invocations: [
        {
          name: 'coffee',
          input: { configMapKeyRef: { name: 'photo', key: 'request.json' } },
          expect: { contentType: 'application/json' },
        },
        {
          name: 'no-image',
          input: { inline: '{"task":"segment"}' },
          expect: { status: 400, contentType: 'application/json' },
        },
      ],
    },
    samples,
  )
  const server = join(REPOSITORY, 'inference-server', 'main.ts')
  const models = join(REPOSITORY, 'inference-server', 'models', 'sam-lite')
  const { code, stdout } = await mooring(
    '-f',
    file,
    '--port',
    '0',
    '--model-data',
    models,
    '-o',
    'json',
    '--command',
    process.execPath,
    server,
    'serve',
  )
  t.is(code, 0, stdout)
  t.deepEqual(
    JSON.parse(stdout).phases.map(({ name, verdict }: { name: string; verdict: string }) => [name, verdict]),
    [
      ['ping', 'Pass'],
      ['coffee', 'Pass'],
      ['no-image', 'Pass'],
      ['terminate', 'Pass'],
    ],
  )
})
