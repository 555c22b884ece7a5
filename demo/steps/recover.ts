import { condition } from '../kubernetes.ts'
import { until } from '../wait.ts'
import { type Context, ENDPOINT, NAMESPACE } from './context.ts'

export type Failure = { reason: string; logTail: string[] }

/**
 * Makes the running instance fail for good, and watches the operator write it down, delete, wait and recreate.
 * @throws Error when the failure left no reason or no log lines: the user would have nothing to go by.
 */
export async function failAndRecover(context: Context, endpointName: string): Promise<Failure> {
  const { console, kubernetes, cloud, watcher, signal, processes } = context
  const get = () => kubernetes.get('aie', NAMESPACE, ENDPOINT)
  watcher.mark('instance fails for good')
  await console.step('the instance is made to fail for good: SageMaker says Failed', async () => {
    await cloud.failForGood(endpointName)
    await until('EndpointStatus Failed', 120, signal, async () =>
      (await cloud.endpoints()).some((endpoint) => endpoint.status === 'Failed') ||
      (await get())?.status?.lastFailure?.reason
        ? true
        : undefined,
    )
  })
  const failure = await console.step('the operator notes the reason and the last log lines', () =>
    until('status.lastFailure', 60, signal, async () => {
      processes.check()
      const noted = (await get())?.status?.lastFailure
      return noted?.reason ? { reason: noted.reason, logTail: noted.logTail ?? [] } : undefined
    }),
  )
  if (failure.logTail.length === 0) throw new Error('status.lastFailure has no log lines')
  console.note(failure.reason)
  console.note(`the container's last line: ${failure.logTail.at(-1)}`)
  await console.step('it deletes the endpoint, waits until it is gone, and recreates it: Ready again', (note) =>
    until('Ready after recreation', 150, signal, async () => {
      processes.check()
      const object = await get()
      if (object?.status?.phase) note(object.status.phase)
      return condition(object, 'Ready')?.status === 'True' ? true : undefined
    }),
  )
  watcher.mark('recreated')
  return failure
}
