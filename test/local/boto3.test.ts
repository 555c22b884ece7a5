import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { scaledClock } from '../../local/clock.ts'
import { startLocalCloud } from '../../local/cloud.ts'

const run = promisify(execFile)
const HERE = import.meta.dirname
const REQUIREMENTS = join(HERE, 'boto3-requirements.txt')

test('a boto3 script creates, describes, invokes asynchronously, updates and deletes', async (t) => {
  t.timeout(600_000)
  const python = await virtualEnvironment()
  const cloud = await startLocalCloud({
    clock: scaledClock(20),
    images: [
      {
        repository: 'echo',
        tag: '1',
        command: [process.execPath, join(HERE, 'fixtures', 'echo-server.ts')],
        cwd: HERE,
      },
    ],
  })
  t.teardown(() => cloud.stop())
  const { stdout } = await run(python, [join(HERE, 'boto3_script.py')], {
    // Nothing of the machine's own AWS configuration may leak in.
    env: { PATH: process.env.PATH ?? '', HOME: '/nonexistent', AWS_DEFAULT_REGION: 'us-east-1', ...cloud.environment },
  })
  t.like(JSON.parse(stdout), {
    configs: ['first', 'second'],
    tags: [{ Key: 'a', Value: 'b' }],
    answers: ['one', 'two'],
    gone: 'ValidationException: Could not find endpoint "arn:aws:sagemaker:us-east-1:123456789012:endpoint/endpoint".',
  })
  const { paths } = JSON.parse(stdout) as { paths: string[] }
  t.true(paths[0]?.startsWith('/first/'))
  t.true(paths[1]?.startsWith('/second/'), 'the updated configuration is the one that serves')
})

/** A Python with the pinned packages, made once and kept by their hash. Needs python3 and PyPI. */
async function virtualEnvironment(): Promise<string> {
  const hash = createHash('sha256')
    .update(await readFile(REQUIREMENTS))
    .digest('hex')
    .slice(0, 16)
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'mooring', 'python')
  const target = join(cache, hash)
  const python = join(target, 'bin', 'python')
  if (
    await access(python).then(
      () => true,
      () => false,
    )
  )
    return python
  await mkdir(cache, { recursive: true })
  const staging = await mkdtemp(join(cache, 'building-'))
  try {
    await run('python3', ['-m', 'venv', staging])
    await run(join(staging, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', '-r', REQUIREMENTS], {
      maxBuffer: 16 * 1024 * 1024,
    })
    await rename(staging, target)
    return python
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}
