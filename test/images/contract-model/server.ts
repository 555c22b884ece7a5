import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'

/** A model container that keeps the contract, or breaks it in the way that BEHAVIOUR names. */
const {
  BEHAVIOUR = 'good',
  SAGEMAKER_BIND_TO_PORT: port = '8080',
  SAGEMAKER_BIND_TO_HOST: host = '0.0.0.0',
} = process.env
const [argument] = process.argv.slice(2)
console.log(`started with ${argument} as user ${process.getuid?.()}, behaviour ${BEHAVIOUR}`)
if (argument !== 'serve') throw new Error('this image serves only')
if (BEHAVIOUR === 'exits') {
  console.error(
    'FATAL: no weights at /opt/ml/model/sam3, AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMIK7MDENGbPxRfiCYabcdefghijkl',
  )
  process.exit(3)
}
process.on('SIGTERM', () => {
  console.log('SIGTERM')
  if (BEHAVIOUR !== 'stubborn') process.exit(0)
})

const server = createServer(async (request, response) => {
  if (request.url === '/ping') return response.writeHead(BEHAVIOUR === 'deaf' ? 503 : 200).end()
  const chunks: Uint8Array[] = []
  for await (const chunk of request) chunks.push(chunk)
  if (BEHAVIOUR === 'crashes') process.exit(4)
  const body = JSON.stringify({
    label: BEHAVIOUR === 'wrong' ? 'dog' : 'cat',
    bytes: Buffer.concat(chunks).byteLength,
    models: await readFile('/opt/ml/model/weights.txt', 'utf8').catch((error: NodeJS.ErrnoException) => error.code),
    writable: await writeFile('/opt/ml/model/x', '').then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code,
    ),
  })
  if (BEHAVIOUR === 'slow') await new Promise((resolve) => setTimeout(resolve, 3000))
  const length = BEHAVIOUR === 'chunked' ? {} : { 'content-length': Buffer.byteLength(body) }
  response.writeHead(200, { 'content-type': 'application/json', ...length }).write(body)
  response.end()
})
server.listen(Number(port), BEHAVIOUR === 'loopback' ? '127.0.0.1' : host, () => console.log('listening'))
