import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

export type EndpointReference = { endpointName: string; region: string; ready: boolean; message: string }

const KIND = 'asyncinferenceendpoints.mooring.dev'
const MAX_OUTPUT = 256 * 1024 * 1024

/** Runs the user's own kubectl, with its context. */
async function kubectl(args: string[], namespace?: string): Promise<string> {
  const where = namespace ? ['-n', namespace] : []
  const { stdout } = await run(process.env.KUBECTL ?? 'kubectl', [...args, ...where], { maxBuffer: MAX_OUTPUT })
  return stdout
}

/** Reads an AsyncInferenceEndpoint as it is in the cluster. */
export async function getEndpoint<T>(name: string, namespace?: string): Promise<T> {
  return JSON.parse(await kubectl(['get', KIND, name, '-o', 'json'], namespace)) as T
}

/** Merges a change into an AsyncInferenceEndpoint. */
export async function patchEndpoint(name: string, namespace: string | undefined, patch: object): Promise<void> {
  await kubectl(['patch', KIND, name, '--type', 'merge', '-p', JSON.stringify(patch)], namespace)
}

/** Reads what SageMaker calls the endpoint of an AsyncInferenceEndpoint. */
export async function findEndpoint(name: string, namespace?: string): Promise<EndpointReference> {
  const object = await getEndpoint<{
    spec: { region: string }
    status?: { endpointName?: string; conditions?: { type: string; status: string; message: string }[] }
  }>(name, namespace)
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
  const args = ['get', KIND, '-o', 'json', ...(where.all ? ['-A'] : [])]
  return (JSON.parse(await kubectl(args, where.all ? undefined : where.namespace)) as { items: T[] }).items
}
