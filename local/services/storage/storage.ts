import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { type FauxqsServer, startFauxqs } from 'fauxqs'
import type { Notifier, ObjectStore } from '../../service.ts'

export type Storage = {
  host: string
  port: number
  objects: ObjectStore
  notifier: Notifier
  stop(): Promise<void>
}

/** S3, SNS and SQS by fauxqs, on a loopback port of its own; the gateway forwards to it. */
export async function storage(region: string, onError: (error: unknown, what: string) => void): Promise<Storage> {
  const server: FauxqsServer = await startFauxqs({ port: 0, logger: false, defaultRegion: region, host: 'localhost' })
  const s3 = new S3Client({
    endpoint: server.address,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  })
  return {
    host: '127.0.0.1',
    port: server.port,
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
        const [, , , topicRegion, , topic] = topicArn.split(':')
        try {
          server.publish(topic ?? '', message, topicRegion ? { region: topicRegion } : {})
        } catch (error) {
          onError(error, `publishing to ${topicArn}`)
          throw error
        }
      },
    },
    async stop() {
      s3.destroy()
      await server.stop()
    },
  }
}

function parse(uri: string): { bucket: string; key: string } {
  const match = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri)
  if (!match?.[1] || !match[2]) throw new Error(`${uri} is not s3://bucket/key`)
  return { bucket: match[1], key: match[2] }
}
