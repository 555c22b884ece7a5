import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export type Relay = { port: number; stop(): Promise<void> }

/**
 * Passes connections on: a Pod cannot reach this machine's loopback, nor does the local cloud listen elsewhere.
 * @param target asked anew for each connection
 */
export async function relay(address: string, target: () => { host: string; port: number }): Promise<Relay> {
  const open = new Set<Socket>()
  const server = createServer((incoming) => {
    const outgoing = connect(target())
    for (const [socket, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      open.add(socket)
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        open.delete(socket)
        other.destroy()
      })
      socket.pipe(other)
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, address, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
