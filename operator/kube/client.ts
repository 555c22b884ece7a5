import { isDeepStrictEqual } from 'node:util'
import { KubeConfig, type RequestContext } from '@kubernetes/client-node'
import { Agent, type buildConnector, type Dispatcher, fetch, type Response } from 'undici'
import { KubeError } from './errors.ts'
import type { KubeObject, ObjectKey, ResourceType } from './types.ts'

/** A request that the API server has not answered by then is given up; watches live longer. */
const REQUEST_TIMEOUT_MS = 30_000
/** Errors are short; a proxy's error page need not be read whole. */
const ERROR_BODY_LIMIT = 4096

export type List<T> = { items: T[]; resourceVersion: string; continue?: string }
export type ListOptions = {
  namespace?: string | undefined
  labelSelector?: string
  limit?: number
  continue?: string
  signal?: AbortSignal
}
export type DeleteOptions = {
  /** What becomes of the objects that it owns; without it, what is usual for the kind: a Job would leave its Pods behind. */
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'
  /** Only the object that has it: another of the same name stays. */
  uid?: string | undefined
}
export type LogOptions = {
  container: string
  /** Of the container before it was restarted. */
  previous?: boolean
  tailLines: number
  /** Of these lines; what comes after them is cut. */
  limitBytes: number
}
export type WatchOptions = {
  namespace?: string | undefined
  resourceVersion: string
  timeoutSeconds: number
  signal: AbortSignal
}
export type WatchEvent<T> = { type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'; object: T }

/**
 * The API server, as this operator uses it. Objects go in and out as plain JSON: client-node's generated classes would drop what
 * they do not know. Everything throws KubeError for a refusal, and undici's errors for a broken connection.
 */
export type KubeClient = {
  list<T extends KubeObject>(resource: ResourceType, options?: ListOptions): Promise<List<T>>
  get<T extends KubeObject>(resource: ResourceType, key: ObjectKey): Promise<T>
  create<T>(resource: ResourceType, object: T, namespace?: string): Promise<T>
  replace<T>(resource: ResourceType, key: ObjectKey, object: T): Promise<T>
  delete(resource: ResourceType, key: ObjectKey, options?: DeleteOptions): Promise<void>
  /** The last lines that a container of a Pod has printed. */
  podLog(pod: ObjectKey, options: LogOptions): Promise<string>
  /** A JSON merge patch: null removes, lists are replaced whole. A resourceVersion in it makes it conditional. */
  mergePatch<T extends KubeObject>(resource: ResourceType, key: ObjectKey, patch: object): Promise<T>
  /** The same on the status subresource. */
  patchStatus<T extends KubeObject>(resource: ResourceType, key: ObjectKey, patch: object): Promise<T>
  /** Events from `resourceVersion` on. Ends when the server closes the connection; lines that do not parse throw. */
  watch<T extends KubeObject>(resource: ResourceType, options: WatchOptions): AsyncGenerator<WatchEvent<T>>
}

export type ConnectOptions = {
  /** Without it: $KUBECONFIG, ~/.kube/config, or the Pod's service account. */
  kubeconfigPath?: string | undefined
  requestTimeoutMs?: number
}

export function connect({ kubeconfigPath, requestTimeoutMs = REQUEST_TIMEOUT_MS }: ConnectOptions = {}): KubeClient {
  const config = new ObservedConfig()
  if (kubeconfigPath) config.loadFromFile(kubeconfigPath)
  else config.loadFromDefault()
  return client(config, requestTimeoutMs)
}

type Call = {
  query?: Record<string, string | number | undefined>
  body?: unknown
  contentType?: string
  accept?: string
  signal?: AbortSignal
}

/** Their log is read by a path of its own. */
const PODS: ResourceType = { group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true }

function client(config: ObservedConfig, requestTimeoutMs: number): KubeClient {
  const credentials = credentialsOf(config)
  const send = async (method: string, path: string, call: Call = {}): Promise<Response> => {
    const server = config.getCurrentCluster()?.server
    if (!server) throw new Error('the kubeconfig names no current cluster')
    const url = new URL(server.replace(/\/$/, '') + path)
    for (const [name, value] of Object.entries(call.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value))
    }
    const { headers, dispatcher } = await credentials()
    const response = await fetch(url, {
      method,
      headers: {
        ...headers,
        accept: call.accept ?? 'application/json',
        ...(call.body ? { 'content-type': call.contentType ?? 'application/json' } : {}),
      },
      ...(call.body ? { body: JSON.stringify(call.body) } : {}),
      ...(dispatcher ? { dispatcher } : {}),
      signal: call.signal ?? AbortSignal.timeout(requestTimeoutMs),
    })
    if (!response.ok) throw await refusal(response)
    return response
  }
  const json = async <T>(method: string, path: string, call?: Call): Promise<T> =>
    (await (await send(method, path, call)).json()) as T

  return {
    async list<T>(
      resource: ResourceType,
      { namespace, labelSelector, limit, continue: token, signal }: ListOptions = {},
    ) {
      const query = { labelSelector, limit, continue: token }
      const timeout = AbortSignal.timeout(requestTimeoutMs)
      const body = await json<{ items: T[]; metadata: { resourceVersion: string; continue?: string } }>(
        'GET',
        collection(resource, namespace),
        { query, signal: signal ? AbortSignal.any([signal, timeout]) : timeout },
      )
      const { resourceVersion, continue: next } = body.metadata
      return { items: body.items, resourceVersion, ...(next ? { continue: next } : {}) }
    },
    get: (resource, key) => json('GET', item(resource, key)),
    create: (resource, object, namespace) => json('POST', collection(resource, namespace), { body: object }),
    replace: (resource, key, object) => json('PUT', item(resource, key), { body: object }),
    async delete(resource, key, { propagationPolicy, uid } = {}) {
      const body = {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        ...(propagationPolicy ? { propagationPolicy } : {}),
        ...(uid ? { preconditions: { uid } } : {}),
      }
      await (await send('DELETE', item(resource, key), { body })).body?.cancel()
    },
    async podLog(pod, { container, previous, tailLines, limitBytes }) {
      const query = { container, tailLines, limitBytes, ...(previous ? { previous: 'true' } : {}) }
      return await (await send('GET', `${item(PODS, pod)}/log`, { query, accept: '*/*' })).text()
    },
    mergePatch: (resource, key, patch) =>
      json('PATCH', item(resource, key), { body: patch, contentType: 'application/merge-patch+json' }),
    patchStatus: (resource, key, patch) =>
      json('PATCH', `${item(resource, key)}/status`, { body: patch, contentType: 'application/merge-patch+json' }),
    async *watch<T extends KubeObject>(resource: ResourceType, options: WatchOptions): AsyncGenerator<WatchEvent<T>> {
      const response = await send('GET', collection(resource, options.namespace), {
        query: {
          watch: 'true',
          allowWatchBookmarks: 'true',
          resourceVersion: options.resourceVersion,
          timeoutSeconds: options.timeoutSeconds,
        },
        signal: options.signal,
      })
      for await (const line of lines(response)) yield JSON.parse(line) as WatchEvent<T>
    },
  }
}

type ConnectionOptions = ReturnType<KubeConfig['createDispatcherOptions']>

/** Tells what the last dispatcher was made from. */
class ObservedConfig extends KubeConfig {
  connection: ConnectionOptions | undefined
  override createDispatcherOptions(...given: Parameters<KubeConfig['createDispatcherOptions']>): ConnectionOptions {
    this.connection = super.createDispatcherOptions(...given)
    return this.connection
  }
}

type Credentials = { headers: Record<string, string>; dispatcher: Dispatcher | undefined }

/**
 * client-node knows every way to authenticate; it fills a request context, of which headers and dispatcher are used. It makes a new
 * dispatcher, and with it a new TLS connection, for each request: here one is kept for as long as the certificates stay the same.
 */
function credentialsOf(config: ObservedConfig): () => Promise<Credentials> {
  let kept: { connection: ConnectionOptions; dispatcher: Dispatcher } | undefined
  return async () => {
    const headers: Record<string, string> = {}
    let dispatcher: Dispatcher | undefined
    const context = {
      setHeaderParam: (name: string, value: string) => {
        headers[name] = value
      },
      setDispatcher: (made: Dispatcher) => {
        const { connection } = config
        dispatcher = made
        if (!connection) return
        if (!kept || !isDeepStrictEqual(kept.connection, connection)) {
          // Ends once the requests that it carries have ended.
          void kept?.dispatcher.close()
          kept = { connection, dispatcher: pool(connection) ?? made }
        }
        dispatcher = kept.dispatcher
      },
    }
    await config.applySecurityAuthentication(context as unknown as RequestContext)
    return { headers, dispatcher }
  }
}

/**
 * HTTP/1.1, one request at a time on each connection: a connection that has silently died then costs the request that it carries, and
 * is ended with it. Over HTTP/2 it would go on to take every request. Undefined behind a proxy, which client-node knows how to reach.
 */
function pool(connection: ConnectionOptions): Dispatcher | undefined {
  if (connection.type !== 'agent') return undefined
  // Both packages mean tls.connect's options; undici's types refuse members that are there and undefined.
  return new Agent({ connect: connection.connect as buildConnector.BuildOptions, allowH2: false })
}

async function refusal(response: Response): Promise<KubeError> {
  const text = (await response.text().catch(() => '')).slice(0, ERROR_BODY_LIMIT)
  let status: { reason?: string; message?: string } = {}
  try {
    status = JSON.parse(text)
  } catch {
    // A proxy or a load balancer answered; its page says nothing about the object.
  }
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return new KubeError(
    response.status,
    status.reason ?? response.statusText,
    status.message ?? `the API server answered ${response.status}`,
    Number.isFinite(seconds) ? seconds * 1000 : undefined,
  )
}

async function* lines(response: Response): AsyncGenerator<string> {
  if (!response.body) return
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of response.body) {
    rest += decoder.decode(chunk as Uint8Array, { stream: true })
    let end = rest.indexOf('\n')
    while (end >= 0) {
      const line = rest.slice(0, end)
      rest = rest.slice(end + 1)
      if (line.trim()) yield line
      end = rest.indexOf('\n')
    }
  }
}

function collection({ group, version, plural, namespaced }: ResourceType, namespace?: string): string {
  const root = group ? `/apis/${group}/${version}` : `/api/${version}`
  return namespaced && namespace ? `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}` : `${root}/${plural}`
}

function item(resource: ResourceType, { namespace, name }: ObjectKey): string {
  return `${collection(resource, namespace)}/${encodeURIComponent(name)}`
}
