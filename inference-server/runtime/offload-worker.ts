import type { CallPayload } from './offload.ts'
import { serve } from './worker-body.ts'

/** Results are plain data of little depth: an object with typed arrays, or lists of such. */
const MAX_DEPTH = 4

/** The body of a thread that calls functions by their module and name, both of which are constants of this program. */
await serve(async () => ({
  description: undefined,
  async perform(_operation, payload) {
    const { url, name, args } = payload as CallPayload
    const module: Record<string, (...args: unknown[]) => unknown> = await import(url)
    const result = await module[name]?.(...args)
    const transfer = new Set<ArrayBuffer>()
    collectBuffers(result, transfer, 0)
    return { result, transfer: [...transfer] }
  },
}))

function collectBuffers(value: unknown, into: Set<ArrayBuffer>, depth: number): void {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return
  if (ArrayBuffer.isView(value)) {
    // A view of a part, such as of Node's pool of small Buffers, is cloned: others may use the rest.
    if (value.buffer instanceof ArrayBuffer && value.byteLength === value.buffer.byteLength) into.add(value.buffer)
  } else if (value instanceof ArrayBuffer) into.add(value)
  else if (Array.isArray(value) && typeof value[0] !== 'object') return
  else for (const each of Object.values(value)) collectBuffers(each, into, depth + 1)
}
