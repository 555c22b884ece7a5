import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { processes } from '../../demo/processes.ts'

const alive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function logs(t: { teardown(fn: () => Promise<void>): void }): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'mooring-demo-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  return directory
}

test('a process that ends by itself is noticed, with the end of its log', async (t) => {
  const children = await processes(await logs(t))
  const child = children.start('short', ['-e', 'console.error("no such model"); process.exit(3)'], {})
  await new Promise((resolve) => child.once('exit', resolve))
  t.throws(() => children.check(), { message: /short process ended \(exit code 3\)[\s\S]*no such model/ })
  await children.stop()
})

test('stopping ends the process and what it started itself, also when it ignores SIGTERM', async (t) => {
  const children = await processes(await logs(t))
  const script = `
    const { spawn } = require('node:child_process')
    const grandchild = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    require('node:fs').writeFileSync(process.argv[1], String(grandchild.pid))
    setInterval(() => {}, 1000)`
  const directory = await logs(t)
  const file = join(directory, 'pid')
  const child = children.start('parent', ['-e', script, file], {})
  const { readFile } = await import('node:fs/promises')
  let grandchild = Number.NaN
  while (!(grandchild > 0)) {
    await delay(20)
    grandchild = Number(await readFile(file, 'utf8').catch(() => ''))
  }
  await children.stop()
  t.false(alive(child.pid ?? 0))
  while (alive(grandchild)) await delay(20)
  t.pass()
})
