import { connect, type Socket } from 'node:net'

/** What came back: the status and the whole body. */
export type Answer = { status: number; body: Buffer }

export type Connection = {
  /** Sends a complete HTTP/1.1 request; `done` gets its answer, or why there is none. One request at a time. */
  send(request: Buffer, done: (answer: Answer | Error) => void): void
  close(): void
}

const HEAD_END = '\r\n\r\n'

/**
 * One keep-alive connection that does as little as a client can: the load generator shares the machine with the server that it
 * measures. Bodies must have a Content-Length. Connects when first used, and again when the server has closed.
 */
export function connection(port: number): Connection {
  let socket: Socket | undefined
  let pending: ((answer: Answer | Error) => void) | undefined
  let chunks: Buffer[] = []
  let received = 0
  /** Bytes of head and body, once the head is there. */
  let expected = Number.POSITIVE_INFINITY
  let headBytes = 0
  let status = 0

  function finish(answer: Answer | Error): void {
    const done = pending
    pending = undefined
    chunks = []
    received = 0
    expected = Number.POSITIVE_INFINITY
    done?.(answer)
  }

  function onData(chunk: Buffer): void {
    chunks.push(chunk)
    received += chunk.length
    if (expected === Number.POSITIVE_INFINITY && !readHead()) return
    if (received < expected) return
    const whole = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
    finish({ status, body: whole.subarray(headBytes, expected) })
  }

  function readHead(): boolean {
    const seen = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
    const end = seen.indexOf(HEAD_END)
    if (end < 0) return false
    const head = seen.toString('latin1', 0, end)
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
    if (length === undefined) {
      socket?.destroy(new Error(`no Content-Length in the answer: ${head.slice(0, 200)}`))
      return false
    }
    status = Number(head.slice(9, 12))
    headBytes = end + HEAD_END.length
    expected = headBytes + Number(length)
    return true
  }

  function open(): Socket {
    const opened = connect({ port, host: '127.0.0.1', noDelay: true })
    let failure: Error | undefined
    opened.on('data', onData)
    opened.on('error', (error) => {
      failure = error
    })
    opened.on('close', () => {
      if (socket === opened) socket = undefined
      if (pending) finish(failure ?? new Error('the server closed the connection before it answered'))
    })
    return opened
  }

  return {
    send(request, done) {
      pending = done
      socket ??= open()
      socket.write(request)
    },
    close() {
      pending = undefined
      socket?.destroy()
    },
  }
}

/** The bytes of a POST of JSON. */
export function postJson(path: string, json: string): Buffer {
  const head = [
    `POST ${path} HTTP/1.1`,
    'Host: localhost',
    'Accept: application/json',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(json)}`,
  ]
  return Buffer.from(head.join('\r\n') + HEAD_END + json)
}

export function get(path: string): Buffer {
  return Buffer.from(`GET ${path} HTTP/1.1\r\nHost: localhost${HEAD_END}`)
}
