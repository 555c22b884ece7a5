import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import test from 'ava'
import { clients } from '../../../operator/providers/clients.ts'

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

test('a region has one client of each service', (t) => {
  const aws = clients({ onRequest: () => {}, pathStyle: false })
  t.is(aws.region('us-east-1'), aws.region('us-east-1'))
  t.not(aws.region('us-east-1').sagemaker, aws.region('eu-west-1').sagemaker)
})
