import type { AddressInfo } from 'node:net'
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns'
import { buildApp } from 'fauxqs'
import type { Notifier, ObjectStore } from '../../service.ts'

export type Storage = {
  host: string
  port: number
  objects: ObjectStore
  notifier: Notifier
  stop(): Promise<void>
}

/** fauxqs knows one account only. */
const FAUXQS_ACCOUNT = '000000000000'

/**
 * S3, SNS and SQS by fauxqs, on a loopback port of its own; the gateway forwards to it. Its own start function would listen on
 * every interface, hence the app alone.
 */
export async function storage(region: string): Promise<Storage> {
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
    async stop() {
      s3.destroy()
      sns.destroy()
      await app.close()
    },
  }
}

function parse(uri: string): { bucket: string; key: string } {
  const match = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri)
  if (!match?.[1] || !match[2]) throw new Error(`${uri} is not s3://bucket/key`)
  return { bucket: match[1], key: match[2] }
}
