import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { ListModelsCommand, SageMakerClient } from '@aws-sdk/client-sagemaker'
import test from 'ava'

const run = promisify(execFile)
const MAIN = join(import.meta.dirname, '..', '..', 'local', 'main.ts')

test('started, looked into, broken and stopped from the command line', async (t) => {
  t.timeout(120_000)
  const cloud = spawn(process.execPath, [MAIN, '--port', '0', '--speed', '60'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => void cloud.kill('SIGKILL'))
  const environment: Record<string, string> = {}
  for await (const line of createInterface({ input: cloud.stdout })) {
    const [, name, value] = /^export (\w+)=(\S+)$/.exec(line) ?? []
    if (name && value) environment[name] = value
    if (environment.AWS_SECRET_ACCESS_KEY) break
  }
  t.deepEqual(Object.keys(environment), [
    'AWS_ENDPOINT_URL',
    'AWS_REGION',
    'AWS_ACCESS_KEY_ID',
    'AWS_SECRET_ACCESS_KEY',
  ])
  const local = async (...args: string[]) => {
    const { stdout } = await run(process.execPath, [MAIN, ...args], { env: { ...process.env, ...environment } })
    return JSON.parse(stdout)
  }

  const sagemaker = new SageMakerClient({
    endpoint: environment.AWS_ENDPOINT_URL ?? '',
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  })
  t.teardown(() => sagemaker.destroy())
  const list = () => sagemaker.send(new ListModelsCommand({}))
  await local('fault', 'sagemaker.ListModels', '--times', '5', '--message', 'Slow down')
  await t.throwsAsync(list(), { name: 'ThrottlingException', message: 'Slow down' })
  t.like((await local('faults'))[0], { operation: 'sagemaker.ListModels', effect: 'throttle', times: 5, hits: 1 })
  await local('fault', 'clear')
  await local('fault', 'instance.capacity', '--instance-type', 'ml.g5.xlarge')
  t.like((await local('faults'))[0], { name: 'instance.capacity', instanceType: 'ml.g5.xlarge' })
  await local('fault', 'clear')
  await list()
  t.deepEqual(
    (await local('calls')).map(({ operation, code }: { operation: string; code: string }) => `${operation} ${code}`),
    ['ListModels ThrottlingException', 'ListModels OK'],
  )
  t.true('sagemaker' in (await local('state')))

  const refused = await t.throwsAsync(local('fault', 'sagemaker.ListModels', '--effect', 'explode'))
  t.is((refused as Error & { code: number }).code, 1)
  const unknown = await t.throwsAsync(run(process.execPath, [MAIN, 'explode']))
  t.is((unknown as Error & { code: number }).code, 2)
  const taken = await t.throwsAsync(
    run(process.execPath, [MAIN, '--port', new URL(environment.AWS_ENDPOINT_URL ?? '').port]),
  )
  t.regex((taken as Error & { stderr: string }).stderr, /EADDRINUSE/)

  cloud.kill('SIGTERM')
  const [code] = await once(cloud, 'exit')
  t.is(code, 0)
})
