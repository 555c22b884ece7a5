import { until } from '../wait.ts'
import type { Context } from './context.ts'
import { request } from './segment.ts'

/** Idle scales to zero by backlog; one request wakes it through the HasBacklogWithoutCapacity alarm and is answered. */
export async function sleepAndWake(context: Context, endpointName: string): Promise<void> {
  const { console, cloud, watcher, signal, processes } = context
  const instances = async () => (await cloud.endpoints()).find((endpoint) => endpoint.name === endpointName)?.instances
  await console.step('idle: no backlog scales it to zero', () =>
    until('0 instances', 120, signal, async () => {
      processes.check()
      return (await instances()) === 0 ? true : undefined
    }),
  )
  watcher.mark('asleep; a request comes')
  await console.step('a new request wakes it through the HasBacklogWithoutCapacity alarm and is answered', () =>
    request(context, endpointName, 'application/json'),
  )
  if ((await instances()) === 0) throw new Error('the request was answered although no instance runs')
  watcher.mark('awake, answered')
}
