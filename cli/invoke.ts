import { setTimeout as delay } from 'node:timers/promises'
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { InvokeEndpointAsyncCommand, type SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime'

/** InvokeEndpointAsync's limit on an inline body, in bytes. Larger inputs go by S3. */
export const MAX_INLINE_BYTES = 128_000

export type AsyncRequest = {
  endpointName: string
  /** An s3:// URI the execution role may read, or up to 128,000 bytes. */
  input: { uri: string } | { body: Uint8Array }
  contentType: string
  accept?: string
  customAttributes?: string
}

export type Accepted = { inferenceId: string; outputLocation: string; failureLocation?: string }

export type Answer = { ok: boolean; location: string; body: Uint8Array; contentType: string }

/** Queues one request. It may wait for an instance to start when the endpoint is scaled to zero. */
export async function invokeAsync(runtime: SageMakerRuntimeClient, request: AsyncRequest): Promise<Accepted> {
  if ('body' in request.input && request.input.body.byteLength > MAX_INLINE_BYTES) {
    throw new Error(
      `the input has ${request.input.body.byteLength} bytes; inline bodies may have ${MAX_INLINE_BYTES}: upload it and pass --input s3://…`,
    )
  }
  const response = await runtime.send(
    new InvokeEndpointAsyncCommand({
      EndpointName: request.endpointName,
      ContentType: request.contentType,
      ...('uri' in request.input ? { InputLocation: request.input.uri } : { Body: request.input.body }),
      ...(request.accept ? { Accept: request.accept } : {}),
      ...(request.customAttributes ? { CustomAttributes: request.customAttributes } : {}),
    }),
  )
  if (!response.OutputLocation) throw new Error(`endpoint ${request.endpointName} gave no output location`)
  return {
    inferenceId: response.InferenceId ?? '',
    outputLocation: response.OutputLocation,
    ...(response.FailureLocation ? { failureLocation: response.FailureLocation } : {}),
  }
}

/**
 * Polls the output and the failure object together until one exists: without the second, a failed request looks like a slow one.
 * @param signal ends the waiting; its reason is thrown.
 */
export async function waitForAnswer(s3: S3Client, accepted: Accepted, signal: AbortSignal): Promise<Answer> {
  const places = [
    { ok: true, location: accepted.outputLocation },
    ...(accepted.failureLocation ? [{ ok: false, location: accepted.failureLocation }] : []),
  ]
  for (let pause = 250; ; pause = Math.min(pause * 1.5, 5000)) {
    for (const place of places) {
      const found = await readObject(s3, place.location, signal)
      if (found) return { ...place, ...found }
    }
    await delay(pause, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}

async function readObject(
  s3: S3Client,
  uri: string,
  signal: AbortSignal,
): Promise<{ body: Uint8Array; contentType: string } | undefined> {
  const { bucket, key } = parseS3Uri(uri)
  try {
    const object = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }), { abortSignal: signal })
    const body = (await object.Body?.transformToByteArray()) ?? new Uint8Array()
    return { body, contentType: object.ContentType ?? 'application/octet-stream' }
  } catch (error) {
    if (error instanceof Error && (error.name === 'NoSuchKey' || error.name === 'NotFound')) return undefined
    throw error
  }
}

/** Splits s3://bucket/key. @throws Error when it is not such a URI. */
export function parseS3Uri(uri: string): { bucket: string; key: string } {
  const match = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri)
  if (!match?.[1] || !match[2]) throw new Error(`${uri} is not s3://bucket/key`)
  return { bucket: match[1], key: match[2] }
}
