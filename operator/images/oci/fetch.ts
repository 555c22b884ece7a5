import { lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { Agent, fetch } from 'undici'
import { CONNECT_TIMEOUT_MS } from '../bounds.ts'
import { isForbidden } from './address.ts'

/** As much of fetch as is used. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** Looks names up, and refuses those that stand for addresses where credentials are found: a name is checked where it is used. */
function guarded(resolve: typeof lookup): LookupFunction {
  return (hostname, options, callback) =>
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? []
      if (error || !first) callback(error, '', 0)
      else if (addresses.some(({ address }) => isForbidden(address)))
        callback(Object.assign(new Error(`${hostname} is a link-local address`), { code: 'EADDRFORBIDDEN' }), '', 0)
      else if (options.all) callback(null, addresses)
      else callback(null, first.address, first.family)
    })
}

/**
 * fetch for registries, with connections of its own. It follows no name to a link-local address.
 * @param resolve where names are looked up
 */
export function registryFetch(resolve: typeof lookup = lookup): Fetch & { close(): Promise<void> } {
  const dispatcher = new Agent({ connect: { lookup: guarded(resolve), timeout: CONNECT_TIMEOUT_MS } })
  // undici's types and the global ones describe the same objects.
  const ask = (url: string, init: RequestInit) =>
    fetch(url, { ...init, dispatcher } as never) as unknown as Promise<Response>
  return Object.assign(ask, { close: () => dispatcher.destroy() })
}
