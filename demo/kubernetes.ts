import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024

export type Condition = { type: string; status: string; reason: string; message: string; observedGeneration?: number }

/** What the demo reads of an object; the rest is for `kubectl describe`. */
export type Observed = {
  metadata: { name: string; uid: string; generation: number }
  status?: {
    phase?: string
    endpointName?: string
    endpointStatus?: string
    image?: string
    conditions?: Condition[]
    instances?: { current?: number; desired?: number }
    lastFailure?: { reason?: string; logTail?: string[] }
    recovery?: { attempts?: number }
  }
}

export type Kubernetes = {
  kubectl(...args: string[]): Promise<string>
  /** Undefined where there is no such object. */
  get(kind: string, namespace: string, name: string): Promise<Observed | undefined>
}

/** The cluster as a user sees it: through kubectl. */
export function kubernetes(kubectl: string, kubeconfig: string, signal: AbortSignal): Kubernetes {
  const call = async (...args: string[]) => {
    const options = { env: { ...process.env, KUBECONFIG: kubeconfig }, maxBuffer: MAX_OUTPUT_BYTES, signal }
    const { stdout } = await run(kubectl, args, options)
    return stdout
  }
  return {
    kubectl: call,
    async get(kind, namespace, name) {
      const output = await call('get', kind, name, '-n', namespace, '-o', 'json', '--ignore-not-found')
      return output.trim() ? (JSON.parse(output) as Observed) : undefined
    },
  }
}

export function condition(object: Observed | undefined, type: string): Condition | undefined {
  return object?.status?.conditions?.find((candidate) => candidate.type === type)
}
