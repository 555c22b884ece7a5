import type { JsonObject } from './service.ts'

/** A call at one of its two boundaries: it has arrived and nothing was done; it was handled and nothing is answered yet. */
export type CallBoundary = {
  phase: 'before' | 'after'
  service: string
  /** S3's operations are HTTP methods. */
  operation: string
  /** As the SDK's members; undefined for the services that are handed on to fauxqs. */
  input?: JsonObject
  /** After the call: `OK`, or the error's code. */
  code?: string
  /** After the call, where it was OK and is not handed on. */
  output?: JsonObject
  /** Who called: the SDK's user agent. */
  agent: string
}

/**
 * Asked at both boundaries of each call, which waits for the answer. `drop` breaks the connection: before the call nothing is
 * done, after it the caller never learns what was. Kills and stalls of the caller are placed here.
 */
export type CallHook = (boundary: CallBoundary) => 'drop' | undefined | Promise<'drop' | undefined>
