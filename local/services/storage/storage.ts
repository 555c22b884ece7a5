import type { AddressInfo } from 'node:net'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns'
import { buildApp } from 'fauxqs'
import type { Notifier, ObjectStore } from '../../service.ts'
import { FAUXQS_ACCOUNT, type Topics, topics } from './topics.ts'

export type Storage = {
  host: string
  port: number
  objects: ObjectStore
  notifier: Notifier
  topics: Topics
  stop(): Promise<void>
}

/** fauxqs refuses a request of more than 11 MiB; results of SageMaker may have a gigabyte. */
const PART_BYTES = 8 * 1024 * 1024

/**
 * S3, SNS and SQS by fauxqs, on a loopback port of its own; the gateway forwards to it. Its own start function would listen on
 * every interface, hence the app alone.
 */
export async function storage(region: string, accountId: string): Promise<Storage> {
  const app = buildApp({ logger: false, defaultRegion: region })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const common = {
    endpoint: `http://127.0.0.1:${port}`,
    region,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  }
  const s3 = new S3Client({ ...common, forcePathStyle: true })
  const sns = new SNSClient(common)
  return {
    host: '127.0.0.1',
    port,
    objects: {
      async get(uri) {
        const { bucket, key } = parse(uri)
        try {
          const found = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
          const body = (await found.Body?.transformToByteArray()) ?? new Uint8Array()
          return { body, ...(found.ContentType ? { contentType: found.ContentType } : {}) }
        } catch (error) {
          if (error instanceof Error && ['NoSuchKey', 'NoSuchBucket', 'NotFound'].includes(error.name)) return undefined
          throw error
        }
      },
      async put(uri, body, contentType) {
        const { bucket, key } = parse(uri)
        if (body.byteLength > PART_BYTES) return putInParts(s3, { Bucket: bucket, Key: key }, body, contentType)
        await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ContentType: contentType }))
      },
    },
    notifier: {
      async publish(topicArn, message) {
        // A topic is found by region and name: manifests name the account that they were written for.
        const [, , , topicRegion = region, , topic = ''] = topicArn.split(':')
        await sns.send(
          new PublishCommand({ TopicArn: `arn:aws:sns:${topicRegion}:${FAUXQS_ACCOUNT}:${topic}`, Message: message }),
        )
      },
    },
    topics: topics(sns, accountId),
    async stop() {
      s3.destroy()
      sns.destroy()
      await app.close()
    },
  }
}

async function putInParts(
  s3: S3Client,
  object: { Bucket: string; Key: string },
  body: Uint8Array,
  contentType: string,
): Promise<void> {
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ ...object, ContentType: contentType }))
  try {
    const parts: { ETag: string | undefined; PartNumber: number }[] = []
    for (let start = 0; start < body.byteLength; start += PART_BYTES) {
      const PartNumber = parts.length + 1
      const part = body.subarray(start, start + PART_BYTES)
      const { ETag } = await s3.send(new UploadPartCommand({ ...object, UploadId, PartNumber, Body: part }))
      parts.push({ ETag, PartNumber })
    }
    await s3.send(new CompleteMultipartUploadCommand({ ...object, UploadId, MultipartUpload: { Parts: parts } }))
  } catch (error) {
    await s3.send(new AbortMultipartUploadCommand({ ...object, UploadId })).catch(() => {})
    throw error
  }
}

function parse(uri: string): { bucket: string; key: string } {
  const match = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri)
  if (!match?.[1] || !match[2]) throw new Error(`${uri} is not s3://bucket/key`)
  return { bucket: match[1], key: match[2] }
}
