import type { S3Client } from '@aws-sdk/client-s3'
import { Failure } from '../core/errors.ts'
import type { Lifetime } from '../core/lifetime.ts'

export type S3Location = { bucket: string; key: string }

export type ObjectStore = {
  /** Reads an object that lies under an allowed prefix. @throws Failure S3Denied, TooLarge, S3Failed, InvalidRequest */
  read(
    uri: string,
    maxBytes: number,
    lifetime: Lifetime,
  ): Promise<{ bytes: Uint8Array; contentType?: string | undefined }>
  /** Writes an object under an allowed prefix. @throws Failure S3Denied, S3Failed */
  write(uri: string, bytes: Uint8Array, contentType: string, lifetime: Lifetime): Promise<void>
  /** @throws Failure S3Denied, for an output prefix that no object could be written under */
  assertWritable(prefix: string): void
}

export type S3Options = {
  /** Prefixes such as `s3://bucket/folder/` that requests may read from and write to: the role's permissions are not the caller's. */
  inputs: readonly string[]
  outputs: readonly string[]
  /** For stores that have no name for each bucket. */
  pathStyle: boolean
}

/** `s3://bucket/key`, without queries or dots in between. @throws Failure InvalidRequest */
export function parseS3(uri: string): S3Location {
  const match = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/(.*)$/s.exec(uri)
  const [, bucket, key] = match ?? []
  if (!bucket || key === undefined || key.length > 1024) {
    throw new Failure('InvalidRequest', 'An S3 location is given as s3://bucket/key.')
  }
  return { bucket, key }
}

/** A quarter of all the program's memory, which most servers do not need. */
const sdk = () => import('@aws-sdk/client-s3')

/** Objects in S3, read and written with the container's own role. The client is made when the first one is asked for. */
export function s3Store(options: S3Options): ObjectStore {
  let client: S3Client | undefined
  const s3 = async () => {
    const { S3Client } = await sdk()
    client ??= new S3Client({ forcePathStyle: options.pathStyle })
    return client
  }
  return {
    async read(uri, maxBytes, lifetime) {
      const { bucket, key } = parseS3(uri)
      assertAllowed(uri, options.inputs, 'read from', 'MOORING_S3_INPUTS')
      return failing('read', uri, async () => {
        const abortSignal = lifetime.signal()
        const { GetObjectCommand } = await sdk()
        const command = new GetObjectCommand({ Bucket: bucket, Key: key })
        const { Body, ContentLength, ContentType } = await (await s3()).send(command, { abortSignal })
        // The length is asked first: an object of many gigabytes must not be begun.
        if (!Body || (ContentLength ?? Number.POSITIVE_INFINITY) > maxBytes) {
          throw new Failure('BodyTooLarge', `The object has ${ContentLength} bytes; at most ${maxBytes} are accepted.`)
        }
        return { bytes: await Body.transformToByteArray(), contentType: ContentType }
      })
    },
    async write(uri, bytes, contentType, lifetime) {
      const { bucket, key } = parseS3(uri)
      assertAllowed(uri, options.outputs, 'write to', 'MOORING_S3_OUTPUTS')
      await failing('written', uri, async () => {
        const { PutObjectCommand } = await sdk()
        const command = new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes, ContentType: contentType })
        await (await s3()).send(command, { abortSignal: lifetime.signal() })
      })
    },
    assertWritable(prefix) {
      parseS3(prefix)
      assertAllowed(prefix, options.outputs, 'write to', 'MOORING_S3_OUTPUTS')
    },
  }
}

function assertAllowed(uri: string, prefixes: readonly string[], what: string, variable: string): void {
  if (prefixes.some((prefix) => uri.startsWith(prefix))) return
  throw new Failure('S3Denied', `This server may not ${what} ${uri.slice(0, 200)}.`, {
    details: [`the prefixes it may ${what} are named in its setting ${variable}`],
  })
}

async function failing<T>(what: 'read' | 'written', uri: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (cause) {
    if (cause instanceof Failure) throw cause
    if (cause instanceof Error && cause.name === 'AbortError') {
      throw new Failure('DeadlineExceeded', 'The request was not finished by its deadline.', { cause })
    }
    const { S3ServiceException } = await sdk()
    if (what === 'read' && cause instanceof S3ServiceException && cause.$metadata.httpStatusCode === 404) {
      throw new Failure('InvalidRequest', `${uri.slice(0, 200)} does not exist.`, { cause })
    }
    const name = cause instanceof Error ? cause.name : 'unknown error'
    throw new Failure('S3Failed', `${uri.slice(0, 200)} could not be ${what}: ${name}.`, { cause })
  }
}
