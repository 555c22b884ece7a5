import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { type Answer, connection, get } from '../../../bench/inference/http-client.ts'

/** A server that lets `answer` write to the socket what it likes, once for each request. */
async function asked(answer: (socket: Socket) => unknown): Promise<Answer | Error> {
  const server = createServer((socket) => socket.on('data', () => void answer(socket)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const line = connection((server.address() as AddressInfo).port)
  const result = await new Promise<Answer | Error>((resolve) => line.send(get('/ping'), resolve))
  line.close()
  server.close()
  return result
}

test('a connection that closes before the whole answer came is an error, not an answer', async (t) => {
  const result = await asked((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'))
  t.true(result instanceof Error)
})

test('an answer without a Content-Length is an error', async (t) => {
  const result = await asked((socket) => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'))
  t.regex((result as Error).message, /no Content-Length/)
})

test('a refused connection is an error', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  const result = await new Promise<Answer | Error>((resolve) => connection(port).send(get('/ping'), resolve))
  t.true(result instanceof Error)
})

test('an answer that comes in pieces is put together', async (t) => {
  const result = await asked(async (socket) => {
    for (const piece of ['HTTP/1.1 503 Busy\r\ncontent-le', 'ngth: 4\r\n\r', '\nwa', 'it']) {
      socket.write(piece)
      await delay(5)
    }
  })
  t.like(result, { status: 503 })
  t.is(String((result as Answer).body), 'wait')
})
