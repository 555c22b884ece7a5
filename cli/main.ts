#!/usr/bin/env node
import { readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { S3Client } from '@aws-sdk/client-s3'
import { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime'
import { COST_USAGE, cost } from './cost.ts'
import { IMAGE_CHECK_USAGE, imageCheck } from './image-check.ts'
import { IMAGE_TEST_USAGE, imageTest } from './image-test.ts'
import { invokeAsync, waitForAnswer } from './invoke.ts'
import { findEndpoint } from './kubectl.ts'
import { ROLLBACK_USAGE, revisions } from './rollback.ts'

const USAGE = `kubectl mooring invoke NAME (--file PATH | --input s3://BUCKET/KEY) [options]

  -n, --namespace NS           namespace of the AsyncInferenceEndpoint (default: kubectl's)
  -f, --file PATH              the request's body, up to 128,000 bytes
      --input S3-URI           the request's body in S3
      --content-type TYPE      default application/json
      --accept TYPE            what the model should answer with
      --custom-attributes TEXT passed to the container verbatim
      --wait                   wait for the answer and print it
      --timeout SECONDS        how long to wait, default 900
  -o, --output PATH            write the answer there instead of printing it
`

async function invoke(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      namespace: { type: 'string', short: 'n' },
      file: { type: 'string', short: 'f' },
      input: { type: 'string' },
      'content-type': { type: 'string', default: 'application/json' },
      accept: { type: 'string' },
      'custom-attributes': { type: 'string' },
      wait: { type: 'boolean', default: false },
      timeout: { type: 'string', default: '900' },
      output: { type: 'string', short: 'o' },
    },
  })
  const [name] = positionals
  const timeoutSeconds = Number(values.timeout)
  if (!name || !values.file === !values.input || !(timeoutSeconds > 0)) {
    process.stderr.write(USAGE)
    return 2
  }
  const endpoint = await findEndpoint(name, values.namespace)
  if (!endpoint.ready) process.stderr.write(`note: ${name} is not Ready: ${endpoint.message}\n`)
  const runtime = new SageMakerRuntimeClient({ region: endpoint.region })
  const accepted = await invokeAsync(runtime, {
    endpointName: endpoint.endpointName,
    input: values.file ? { body: await readFile(values.file) } : { uri: values.input ?? '' },
    contentType: values['content-type'],
    ...(values.accept ? { accept: values.accept } : {}),
    ...(values['custom-attributes'] ? { customAttributes: values['custom-attributes'] } : {}),
  })
  process.stderr.write(`queued ${accepted.inferenceId}; the answer will be at ${accepted.outputLocation}\n`)
  if (!values.wait) return 0

  const s3 = new S3Client({ region: endpoint.region, forcePathStyle: Boolean(process.env.AWS_ENDPOINT_URL) })
  const answer = await waitForAnswer(s3, accepted, AbortSignal.timeout(timeoutSeconds * 1000))
  if (values.output) await writeFile(values.output, answer.body)
  else process.stdout.write(answer.body)
  if (!answer.ok) process.stderr.write(`\nthe request failed; ${answer.location} says why\n`)
  return answer.ok ? 0 : 1
}

const [command, ...rest] = process.argv.slice(2)
try {
  if (command === 'invoke') process.exitCode = await invoke(rest)
  else if (command === 'cost') process.exitCode = await cost(rest)
  else if (command === 'image' && rest[0] === 'check') process.exitCode = await imageCheck(rest.slice(1))
  else if (command === 'image' && rest[0] === 'test') process.exitCode = await imageTest(rest.slice(1))
  else if (command === 'history' || command === 'rollback' || command === 'resume')
    process.exitCode = await revisions(command, rest)
  else {
    process.stderr.write([USAGE, ROLLBACK_USAGE, COST_USAGE, IMAGE_CHECK_USAGE, IMAGE_TEST_USAGE].join('\n'))
    process.exitCode = command === '--help' || command === 'help' ? 0 : 2
  }
} catch (error) {
  process.stderr.write(`kubectl mooring: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
