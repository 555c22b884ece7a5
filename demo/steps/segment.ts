import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs'
import { type Answer, invokeAsync, waitForAnswer } from '../../cli/invoke.ts'
import type { Clients } from '../aws.ts'
import { until } from '../wait.ts'
import { BUCKET, type Context } from './context.ts'

const PHOTO = join(import.meta.dirname, '..', '..', 'samples', 'photo')
const ANSWER_LIMIT_SECONDS = 90

export type Segmentation = { photo: Uint8Array; mask: Uint8Array; answer: string; notification: string }

async function photo(): Promise<Uint8Array> {
  return readFile(join(PHOTO, 'coffee.jpg'))
}

/** The inference server's request for one point on the photograph. */
async function segmentRequest(): Promise<Record<string, unknown>> {
  const prompt = JSON.parse(await readFile(join(PHOTO, 'prompt.json'), 'utf8')) as Record<string, unknown>
  return { task: 'segment', image: Buffer.from(await photo()).toString('base64'), ...prompt }
}

/** Uploads the photograph, asks for its mask as JSON and as PNG, and receives the success message. */
export async function segmentPhoto(context: Context, endpointName: string, queueUrl: string): Promise<Segmentation> {
  const { console, aws, signal } = context
  await upload(context)
  const json = await console.step('InvokeEndpointAsync by a point prompt: JSON from the output path', () =>
    request(context, endpointName, 'application/json'),
  )
  const png = await console.step('the same, as a mask PNG from the output path', () =>
    request(context, endpointName, 'image/png'),
  )
  const notification = await console.step('the SNS success message, from its queue', () =>
    until('a success message', 60, signal, async () => {
      const { Messages = [] } = await aws.sqs.send(
        new ReceiveMessageCommand({ QueueUrl: queueUrl, WaitTimeSeconds: 1 }),
      )
      for (const message of Messages) {
        await aws.sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle: message.ReceiptHandle }))
        const event = snsMessage(message.Body ?? '')
        if (event.includes(json.inferenceId)) return event
      }
      return undefined
    }),
  )
  const answer = JSON.parse(Buffer.from(json.answer.body).toString('utf8')) as Record<string, unknown>
  return {
    photo: await photo(),
    mask: png.answer.body,
    answer: JSON.stringify({ ...answer, mask: `${String(answer.mask).slice(0, 40)}…` }, null, 2),
    notification: JSON.stringify(JSON.parse(notification), null, 2),
  }
}

async function upload({ console, aws }: Context): Promise<void> {
  await console.step('the photograph is uploaded to S3', async () => {
    const body = await photo()
    await aws.s3.send(
      new PutObjectCommand({ Bucket: BUCKET, Key: 'input/photo.jpg', Body: body, ContentType: 'image/jpeg' }),
    )
    await putRequest(aws, 'input/request.json')
  })
}

/** Writes the photograph's request to the demo's bucket. */
export async function putRequest({ s3 }: Clients, key: string): Promise<void> {
  const body = JSON.stringify(await segmentRequest())
  await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body, ContentType: 'application/json' }))
}

/** Sends the uploaded request and waits for its answer. @throws Error with the failure object's text, when it failed. */
export async function request(
  { aws, signal }: Context,
  endpointName: string,
  accept: string,
): Promise<{ answer: Answer; inferenceId: string }> {
  const accepted = await invokeAsync(aws.runtime, {
    endpointName,
    input: { uri: `s3://${BUCKET}/input/request.json` },
    contentType: 'application/json',
    accept,
  })
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_LIMIT_SECONDS * 1000)])
  const answer = await waitForAnswer(aws.s3, accepted, limit)
  if (!answer.ok) throw new Error(`the request failed: ${Buffer.from(answer.body).toString('utf8').slice(0, 500)}`)
  return { answer, inferenceId: accepted.inferenceId }
}

/** SNS wraps its message in an envelope, unless the subscription has raw delivery. */
function snsMessage(body: string): string {
  const envelope = JSON.parse(body) as { Message?: string }
  return envelope.Message ?? body
}
