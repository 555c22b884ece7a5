import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import test from 'ava'
import { within } from '../../../operator/providers/call.ts'
import { clients } from '../../../operator/providers/clients.ts'
import { isThrottled } from '../../../operator/providers/errors.ts'
import { DEFAULT_RATES, rateLimiter } from '../../../operator/providers/rate-limits.ts'

function pointTo(server: Server): void {
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    AWS_ACCESS_KEY_ID: 'a',
    AWS_SECRET_ACCESS_KEY: 'b',
  })
}

// Serial: the SDK reads its endpoint from the environment.
test.serial('each try counts as one request, under the name of what it ended with', async (t) => {
  let requests = 0
  const server = createServer((_, response) => {
    requests++
    response.writeHead(requests < 3 ? 400 : 200, { 'content-type': 'application/x-amz-json-1.1' })
    response.end(requests < 3 ? '{"__type":"ThrottlingException","message":"Rate exceeded"}' : '{"Models":[]}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  pointTo(server)
  const seen: string[] = []
  const aws = clients({ onRequest: (...request) => void seen.push(request.join(' ')), pathStyle: true })
  t.teardown(() => aws.close())
  await aws.region('us-east-1').sagemaker.listModels({})
  t.deepEqual(seen, [
    'sagemaker ListModels ThrottlingException',
    'sagemaker ListModels ThrottlingException',
    'sagemaker ListModels OK',
  ])
})

test.serial('what is not permitted at the moment of sending is not sent, tries after the first included', async (t) => {
  let requests = 0
  const server = createServer((_, response) => {
    requests++
    response.writeHead(500).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  pointTo(server)
  const aws = clients({
    onRequest: () => {},
    permit() {
      if (requests === 1) throw new Error('not permitted')
    },
    pathStyle: true,
  })
  t.teardown(() => aws.close())
  const { sagemaker } = aws.region('us-east-1')
  await t.throwsAsync(sagemaker.listModels({}), { message: 'not permitted' })
  t.is(requests, 1)
})

test.serial(
  'a throttled try lowers the rate for all; a try that never gets its turn is not counted, and is not tried again',
  async (t) => {
    let requests = 0
    const server = createServer((_, response) => {
      requests++
      response.writeHead(400, { 'content-type': 'application/x-amz-json-1.1' })
      response.end('{"__type":"ThrottlingException","message":"Rate exceeded"}')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.teardown(() => server.close())
    const seen: string[] = []
    const rates: number[] = []
    const aws = clients({
      onRequest: (...request) => void seen.push(request.join(' ')),
      pathStyle: true,
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      limiter: rateLimiter({
        rates: { ...DEFAULT_RATES, 'sagemaker-read': 0.01 },
        metrics: { rateLimitWait() {}, rate: (_region, _family, perSecond) => void rates.push(perSecond) },
      }),
    })
    t.teardown(() => aws.close())
    const { sagemaker } = aws.region('us-east-1')
    const { signal } = new AbortController()
    const error = await t.throwsAsync(sagemaker.listModels({}, within(signal)))
    t.true(isThrottled(error))
    t.is(requests, seen.length)
    t.is(requests, 1, 'a second try would have to wait for longer than the call may take')
    t.true(rates.every((rate) => rate <= 0.01))
    const aborted = new AbortController()
    const waiting = t.throwsAsync(sagemaker.listModels({}, { abortSignal: aborted.signal }))
    aborted.abort()
    await waiting
    await sagemaker.createModel({ ModelName: 'm', ExecutionRoleArn: 'r' }).catch(() => {})
    t.true(
      seen.some((line) => line.startsWith('sagemaker CreateModel')),
      'another family still has its turn',
    )
  },
)

test('a region has one client of each service', (t) => {
  const aws = clients({ onRequest: () => {}, pathStyle: false })
  t.is(aws.region('us-east-1'), aws.region('us-east-1'))
  t.not(aws.region('us-east-1').sagemaker, aws.region('eu-west-1').sagemaker)
})
