import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Processes } from './processes.ts'
import { until } from './wait.ts'

const START_LIMIT_SECONDS = 60

export type CallCount = { service: string; operation: string; count: number }

/** The local cloud as seen through its own `/_local/` API: what no AWS would show. */
export type LocalCloudAdmin = {
  url: string
  registerImage(definition: Record<string, unknown>): Promise<void>
  endpoints(): Promise<{ name: string; status: string; instances: number }[]>
  /** Kills the endpoint's instance and lets no replacement become healthy. */
  failForGood(endpointName: string): Promise<void>
  /** Names of everything that an operator could have made. */
  leftovers(): Promise<string[]>
  calls(): Promise<CallCount[]>
}

type State = {
  sagemaker: {
    models: { ModelName: string }[]
    endpointConfigs: { EndpointConfigName: string }[]
    endpoints: {
      EndpointName: string
      EndpointStatus: string
      ProductionVariants?: { CurrentInstanceCount?: number }[]
    }[]
  }
  'application-autoscaling': { scalableTargets: { resourceId: string }[]; scalingPolicies: { name: string }[] }
  monitoring: { alarms: { name: string }[] }
}

/** Starts it as a process of its own, on a free port. */
export async function startCloud(
  children: Processes,
  clockFactor: number,
  signal: AbortSignal,
): Promise<LocalCloudAdmin> {
  const port = await freePort()
  const script = join(import.meta.dirname, '..', 'local', 'main.ts')
  children.start('local-cloud', [script, '--port', String(port), '--speed', String(clockFactor)], {})
  const cloud = admin(`http://127.0.0.1:${port}`)
  await until('the local cloud', START_LIMIT_SECONDS, signal, async () => {
    children.check()
    return cloud.endpoints().catch(() => undefined)
  })
  return cloud
}

function admin(url: string): LocalCloudAdmin {
  const ask = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(`${url}/_local/${path}`, { method, ...(body ? { body: JSON.stringify(body) } : {}) })
    if (!response.ok) throw new Error(`the local cloud refused ${method} ${path}: ${await response.text()}`)
    return (await response.json()) as T
  }
  return {
    url,
    async registerImage(definition) {
      await ask('POST', 'images', definition)
    },
    async endpoints() {
      const { sagemaker } = await ask<State>('GET', 'state')
      return sagemaker.endpoints.map((endpoint) => ({
        name: endpoint.EndpointName,
        status: endpoint.EndpointStatus,
        instances: endpoint.ProductionVariants?.[0]?.CurrentInstanceCount ?? 0,
      }))
    },
    async failForGood(endpointName) {
      await ask('POST', 'faults', { name: 'endpoint.fails-in-service', subject: endpointName, times: 1 })
    },
    async leftovers() {
      const state = await ask<State>('GET', 'state')
      return [
        ...state.sagemaker.endpoints.map((endpoint) => `endpoint ${endpoint.EndpointName}`),
        ...state.sagemaker.endpointConfigs.map((config) => `endpoint configuration ${config.EndpointConfigName}`),
        ...state.sagemaker.models.map((model) => `model ${model.ModelName}`),
        ...state['application-autoscaling'].scalableTargets.map((target) => `scalable target ${target.resourceId}`),
        ...state['application-autoscaling'].scalingPolicies.map((policy) => `scaling policy ${policy.name}`),
        ...state.monitoring.alarms.map((alarm) => `alarm ${alarm.name}`),
      ]
    },
    async calls() {
      const counts = new Map<string, CallCount>()
      for (const { service, operation } of await ask<{ service: string; operation: string }[]>('GET', 'calls')) {
        const key = `${service} ${operation}`
        const known = counts.get(key) ?? { service, operation, count: 0 }
        known.count++
        counts.set(key, known)
      }
      return [...counts.values()]
    },
  }
}

/** A port that is free now; another process could take it before it is used, which the step would then say. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (typeof address !== 'object' || !address) throw new Error('no port')
  return address.port
}
