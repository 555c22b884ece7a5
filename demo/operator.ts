import { join } from 'node:path'
import { freePort, type LocalCloudAdmin } from './local-cloud.ts'
import type { Processes } from './processes.ts'
import { REGION } from './steps/context.ts'
import { until } from './wait.ts'

const START_LIMIT_SECONDS = 60

/** Starts the operator by the main.ts that production runs; only its environment says that the cloud is a local one. */
export async function startOperator(
  children: Processes,
  kubeconfig: string,
  cloud: LocalCloudAdmin,
  signal: AbortSignal,
): Promise<void> {
  const port = await freePort()
  children.start('operator', [join(import.meta.dirname, '..', 'operator', 'main.ts')], {
    KUBECONFIG: kubeconfig,
    AWS_ENDPOINT_URL: cloud.url,
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    MOORING_HTTP_ADDRESS: '127.0.0.1',
    MOORING_HTTP_PORT: String(port),
    MOORING_LEADER_ELECTION: 'false',
    MOORING_POLL_IN_FLIGHT_SECONDS: '0.5',
    MOORING_POLL_DELETING_SECONDS: '0.5',
    MOORING_POLL_SETTLED_SECONDS: '2',
  })
  await until('/readyz of the operator', START_LIMIT_SECONDS, signal, async () => {
    children.check()
    const response = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined)
    return response?.ok ? true : undefined
  })
}
