import { until } from '../wait.ts'
import { type Context, ENDPOINT, IMAGE, NAMESPACE } from './context.ts'

/** Deletes the objects and shows that the local cloud holds nothing that the operator made. */
export async function removeAll({ console, kubernetes, cloud, watcher, signal }: Context): Promise<void> {
  watcher.mark('kubectl delete')
  await console.step('kubectl delete aie/segment modelimage/sam-lite', async () => {
    await kubernetes.kubectl('delete', `aie/${ENDPOINT}`, '-n', NAMESPACE, '--timeout=120s')
    await kubernetes.kubectl('delete', `modelimage/${IMAGE}`, '-n', NAMESPACE, '--timeout=60s')
  })
  await console.step('the local cloud holds nothing that the operator made', () =>
    until('an empty account', 30, signal, async () => {
      const left = await cloud.leftovers()
      if (left.length > 0) console.note(`still there: ${left.join(', ')}`)
      return left.length === 0 ? true : undefined
    }),
  )
}
