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
  | ({
      /** 'failed': the container refused, and this is what it said; or SageMaker could not ask it. */
      state: 'answered' | 'failed'
    } & AnswerObject)

export type AnswerObject = {
  /** The s3:// URI. */
  location: string
  bytes: number
  contentType: string | undefined
  /** When S3 was given it, in whole seconds. */
  writtenAt: Date | undefined
}

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
      const output = await find(at.outputLocation, signal)
      if (output) return { state: 'answered', ...output }
      const failure = await find(at.failureLocation, signal)
      return failure ? { state: 'failed', ...failure } : { state: 'pending' }
    },

    /** The beginning of an answer as text, up to `maxBytes`. */
    async read({ location, bytes }: AnswerObject, maxBytes: number, signal: AbortSignal): Promise<string> {
      // S3 refuses a range in an object of no bytes.
      if (bytes === 0) return ''
      const object = await s3.getObject({ ...objectOf(location), Range: `bytes=0-${maxBytes - 1}` }, within(signal))
      return (await object.Body?.transformToString()) ?? ''
    },
  }

  async function find(location: string | undefined, signal: AbortSignal): Promise<AnswerObject | undefined> {
    if (!location) return undefined
    try {
      const object = await s3.headObject(objectOf(location), within(signal))
      const { ContentLength: bytes = 0, ContentType: contentType, LastModified: writtenAt } = object
      return { location, bytes, contentType, writtenAt }
    } catch (error) {
      if (isNoObject(error)) return undefined
      throw error
    }
  }
}

export type AsyncRuntime = ReturnType<typeof asyncRuntime>

function objectOf(uri: string): { Bucket: string; Key: string } {
  const parts = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri)
  if (!parts) throw new Error(`not the URI of an S3 object: ${uri}`)
  return { Bucket: String(parts[1]), Key: String(parts[2]) }
}
