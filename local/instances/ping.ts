import { request } from 'node:http'

/** Whether a container answers GET /ping with 200 within `timeoutMs` of real time. Never throws. */
export function ping(port: number, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    // No agent: a kept connection would hold up the container's own shutdown.
    const sent = request({ host: '127.0.0.1', port, path: '/ping', agent: false }, (response) => {
      response.resume()
      response.once('error', () => resolve(false))
      response.once('end', () => {
        clearTimeout(timer)
        resolve(response.statusCode === 200)
      })
    })
    const timer = setTimeout(() => sent.destroy(new Error('ping timed out')), timeoutMs)
    sent.once('error', () => {
      clearTimeout(timer)
      resolve(false)
    })
    sent.end()
  })
}
