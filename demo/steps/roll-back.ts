import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { condition } from '../kubernetes.ts'
import { until } from '../wait.ts'
import { type Context, ENDPOINT, NAMESPACE } from './context.ts'
import { ENDPOINT_MANIFEST } from './deploy.ts'
import { request } from './segment.ts'

/** A number that is not one: the server names it and ends, as containers do at a mistake in their environment. */
const GOOD = 'LOG_LEVEL: info\n'
const BAD = `${GOOD}    SAGEMAKER_MODEL_SERVER_WORKERS: four\n`

/** What the user reads of the update that was not taken. */
export type RolledBack = { edit: string; message: string; events: string; logTail: string[] }

/**
 * Applies an edit with which no container starts. SageMaker takes it back without a word; the operator says so, and the endpoint
 * answers all the while. Reverting the manifest then needs no update.
 * @throws Error when a request went unanswered, or the reverted manifest led to another update
 */
export async function editBadly(context: Context, endpointName: string, directory: string): Promise<RolledBack> {
  const { console, kubernetes, watcher, signal, processes } = context
  const get = () => kubernetes.get('aie', NAMESPACE, ENDPOINT)
  const manifest = await readFile(ENDPOINT_MANIFEST, 'utf8')
  if (!manifest.includes(GOOD))
    throw new Error(`${ENDPOINT_MANIFEST} has no line ${GOOD.trim()} to put a mistake after`)
  const edited = join(directory, 'bad-edit.yaml')
  await writeFile(edited, manifest.replace(GOOD, BAD))

  watcher.mark('a bad edit')
  await console.step('kubectl apply -f demo-output/bad-edit.yaml: SAGEMAKER_MODEL_SERVER_WORKERS: four', async () => {
    await kubernetes.kubectl('apply', '-f', edited)
    await until('UpdateEndpoint', 60, signal, async () => ((await updates(context)) > 0 ? true : undefined))
  })
  await console.step('while SageMaker tries it, the instances from before answer a request', () =>
    request(context, endpointName, 'application/json'),
  )
  const message = await console.step(
    'SageMaker is InService again, on the old configuration; the operator says so',
    () =>
      until('UpdateRolledBack', 120, signal, async () => {
        processes.check()
        const seen = condition(await get(), 'EndpointInService')
        return seen?.reason === 'UpdateRolledBack' ? seen.message : undefined
      }),
  )
  watcher.mark('rolled back')
  const rolledBack = { edit: BAD.trim(), message, ...(await described(context)) }
  for (const line of rolledBack.events.split('\n')) console.note(line.trim().replace(/ {2,}/g, '  '))
  console.note(`the container's last line: ${rolledBack.logTail.at(-1)?.trim()}`)
  await console.step('the endpoint goes on answering', () => request(context, endpointName, 'application/json'))
  const before = await updates(context)
  await console.step(
    'kubectl apply -f samples/segment/: the manifest is reverted, and Ready without another update',
    () =>
      until('Ready after the manifest was reverted', 60, signal, async () => {
        await kubernetes.kubectl('apply', '-f', ENDPOINT_MANIFEST)
        const object = await get()
        const ready = condition(object, 'Ready')
        return ready?.status === 'True' && ready.observedGeneration === object?.metadata.generation ? true : undefined
      }),
  )
  if ((await updates(context)) > before) throw new Error('the reverted manifest led to another UpdateEndpoint')
  return rolledBack
}

async function updates({ cloud }: Context): Promise<number> {
  return (await cloud.calls()).find(({ operation }) => operation === 'UpdateEndpoint')?.count ?? 0
}

/** The Event as kubectl describe has it, and the log lines that status keeps. */
async function described({ kubernetes }: Context): Promise<{ events: string; logTail: string[] }> {
  const text = await kubernetes.kubectl('describe', 'aie', ENDPOINT, '-n', NAMESPACE)
  const events = text
    .split('\n')
    .filter((line) => /^ +(Warning|Normal) .*(UpdateRolledBack|EndpointUpdating)/.test(line))
  const object = await kubernetes.get('aie', NAMESPACE, ENDPOINT)
  return { events: events.join('\n'), logTail: object?.status?.lastFailure?.logTail ?? [] }
}
