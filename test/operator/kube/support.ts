import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, connect as dial, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '../../../operator/kube/log.ts'
import type { KubeObject, ResourceType } from '../../../operator/kube/types.ts'

/** ConfigMaps are the plainest objects that an API server has. */
export const CONFIG_MAPS: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
}

export type ConfigMap = KubeObject & { data?: Record<string, string> }

export function configMap(namespace: string, name: string, data: Record<string, string> = {}) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name }, data }
}

export const silent: Log = { info: () => {}, warn: () => {}, error: () => {} }

/** Asks until it is true. The limit is that of a hang, not a measure. */
export async function eventually(what: string, ask: () => boolean | Promise<boolean>): Promise<void> {
  for (let waited = 0; waited < 60_000; waited += 25) {
    if (await ask()) return
    await delay(25)
  }
  throw new Error(`never: ${what}`)
}

export type Wire = {
  kubeconfigPath: string
  /** Ends every connection there is. */
  cut(): void
  /** Refuses new ones until opened again. */
  close(): void
  open(): void
  /** Carries nothing more on the connections there are, and does not end them: as when a firewall has forgotten them. */
  deafen(): void
  connections(): number
  /** How many there have been. */
  accepted(): number
  stop(): Promise<void>
}

/** A wire in front of a real API server that can be cut; TLS passes through it untouched. */
export async function wire(kubeconfigPath: string): Promise<Wire> {
  const kubeconfig = await readFile(kubeconfigPath, 'utf8')
  const target = Number(/server: https:\/\/127\.0\.0\.1:(\d+)/.exec(kubeconfig)?.[1])
  const sockets = new Set<Socket>()
  let closed = false
  let accepted = 0
  const server = createTcpServer((near) => {
    if (closed) return near.destroy()
    accepted++
    const far = dial(target, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.pipe(far).pipe(near)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const path = join(tmpdir(), `mooring-wire-${randomUUID()}`)
  await writeFile(path, kubeconfig.replace(`127.0.0.1:${target}`, `127.0.0.1:${port}`), { mode: 0o600 })
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    kubeconfigPath: path,
    cut,
    close: () => {
      closed = true
      cut()
    },
    open: () => {
      closed = false
    },
    deafen: () => {
      for (const socket of sockets) socket.unpipe()
    },
    connections: () => sockets.size / 2,
    accepted: () => accepted,
    async stop() {
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export type Exchange = { list: boolean; query: URLSearchParams; request: IncomingMessage; response: ServerResponse }

/** An HTTP server in the API server's place, for answers that a real one gives only in bad moments. */
export async function impostor(answer: (exchange: Exchange) => void) {
  const requests: string[] = []
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://impostor')
    const list = url.searchParams.get('watch') !== 'true'
    requests.push(list ? 'list' : 'watch')
    answer({ list, query: url.searchParams, request, response })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const kubeconfigPath = join(tmpdir(), `mooring-impostor-${randomUUID()}`)
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { token: 'x' } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  }
  await writeFile(kubeconfigPath, JSON.stringify(kubeconfig), { mode: 0o600 })
  return {
    kubeconfigPath,
    requests,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export function reply(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}

export function listOf(resourceVersion: string, names: string[], token?: string) {
  return {
    metadata: { resourceVersion, ...(token ? { continue: token } : {}) },
    items: names.map((name) => ({ metadata: { namespace: 'n', name, resourceVersion } })),
  }
}
