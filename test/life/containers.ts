import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Ports on loopback where the containers of all sequences answer: one with an echo, one with an error. */
export const containers = { good: serve(200), bad: serve(500) }

function serve(status: number): Promise<number> {
  const server = createServer((request, response) => {
    const chunks: Uint8Array[] = []
    request.on('data', (chunk: Uint8Array) => chunks.push(chunk))
    request.once('end', () => {
      const body = Buffer.concat(chunks)
      response.writeHead(status, { 'content-type': 'text/plain', 'content-length': body.byteLength }).end(body)
    })
  })
  // It is there for as long as anything else is.
  server.unref()
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}
