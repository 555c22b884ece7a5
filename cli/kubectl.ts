import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

export type EndpointReference = { endpointName: string; region: string; ready: boolean; message: string }

/** Reads what SageMaker calls the endpoint of an AsyncInferenceEndpoint, with the user's own kubectl and its context. */
export async function findEndpoint(name: string, namespace?: string): Promise<EndpointReference> {
  const args = [
    'get',
    'asyncinferenceendpoints.mooring.dev',
    name,
    '-o',
    'json',
    ...(namespace ? ['-n', namespace] : []),
  ]
  const { stdout } = await run(process.env.KUBECTL ?? 'kubectl', args, { maxBuffer: 8 * 1024 * 1024 })
  const object = JSON.parse(stdout) as {
    spec: { region: string }
    status?: { endpointName?: string; conditions?: { type: string; status: string; message: string }[] }
  }
  const ready = object.status?.conditions?.find((condition) => condition.type === 'Ready')
  if (!object.status?.endpointName) throw new Error(`${name} has no endpoint yet: ${ready?.message ?? 'no status'}`)
  return {
    endpointName: object.status.endpointName,
    region: object.spec.region,
    ready: ready?.status === 'True',
    message: ready?.message ?? '',
  }
}

/** Lists AsyncInferenceEndpoints as they are in the cluster: of one namespace, kubectl's own by default, or of all. */
export async function listEndpoints<T>(where: { namespace?: string | undefined; all?: boolean }): Promise<T[]> {
  const scope = where.all ? ['-A'] : where.namespace ? ['-n', where.namespace] : []
  const args = ['get', 'asyncinferenceendpoints.mooring.dev', '-o', 'json', ...scope]
  const { stdout } = await run(process.env.KUBECTL ?? 'kubectl', args, { maxBuffer: 256 * 1024 * 1024 })
  return (JSON.parse(stdout) as { items: T[] }).items
}
