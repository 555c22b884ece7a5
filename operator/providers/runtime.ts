import type {
  GetObjectCommandInput,
  GetObjectCommandOutput,
  HeadObjectCommandInput,
  HeadObjectCommandOutput,
} from '@aws-sdk/client-s3'
import type {
  InvokeEndpointAsyncCommandInput,
  InvokeEndpointAsyncCommandOutput,
} from '@aws-sdk/client-sagemaker-runtime'
import { type Operation, within } from './call.ts'
import { isNoObject } from './errors.ts'

export type RuntimeApi = {
  invokeEndpointAsync: Operation<InvokeEndpointAsyncCommandInput, InvokeEndpointAsyncCommandOutput>
}
export type ObjectApi = {
  headObject: Operation<HeadObjectCommandInput, HeadObjectCommandOutput>
  getObject: Operation<GetObjectCommandInput, GetObjectCommandOutput>
}

export type Accepted = {
  inferenceId: string | undefined
  outputLocation: string | undefined
  failureLocation: string | undefined
}
export type Answer =
  | { state: 'pending' }
  | { state: 'answered'; bytes: number; contentType: string | undefined }
  | { state: 'failed'; message: string }

const MAX_FAILURE_BYTES = 500

/** Asynchronous requests to an endpoint and their answers in S3. */
export function asyncRuntime(runtime: RuntimeApi, s3: ObjectApi) {
  return {
    async invoke(input: InvokeEndpointAsyncCommandInput, signal: AbortSignal): Promise<Accepted> {
      const accepted = await runtime.invokeEndpointAsync(input, within(signal))
      return {
        inferenceId: accepted.InferenceId,
        outputLocation: accepted.OutputLocation,
        failureLocation: accepted.FailureLocation,
      }
    },

    /** Whether the answer has come, by one look at both places: a failed request writes to the failure path only. */
    async poll(at: Partial<Accepted>, signal: AbortSignal): Promise<Answer> {
      const output = await attempt(async () => {
        if (!at.outputLocation) return undefined
        return await s3.headObject(objectOf(at.outputLocation), within(signal))
      })
      if (output) return { state: 'answered', bytes: output.ContentLength ?? 0, contentType: output.ContentType }
      const failure = await attempt(async () => {
        if (!at.failureLocation) return undefined
        return await s3.getObject(objectOf(at.failureLocation), within(signal))
      })
      if (!failure) return { state: 'pending' }
      const text = (await failure.Body?.transformToString()) ?? ''
      return { state: 'failed', message: text.slice(0, MAX_FAILURE_BYTES) }
    },
  }
}

export type AsyncRuntime = ReturnType<typeof asyncRuntime>

async function attempt<T>(look: () => Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await look()
  } catch (error) {
    if (isNoObject(error)) return undefined
    throw error
  }
}

function objectOf(uri: string): { Bucket: string; Key: string } {
  const parts = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri)
  if (!parts) throw new Error(`not the URI of an S3 object: ${uri}`)
  return { Bucket: String(parts[1]), Key: String(parts[2]) }
}
