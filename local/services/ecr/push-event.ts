import { randomUUID } from 'node:crypto'
import type { Push } from './images.ts'

/** What EventBridge is told when an image was pushed: https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html */
export function pushEvent({ repository, digest, tag, mediaType, at }: Push, region: string, account: string) {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'ECR Image Action',
    source: 'aws.ecr',
    account,
    time: at.toISOString().replace(/\.\d{3}Z$/, 'Z'),
    region,
    resources: [],
    detail: {
      result: 'SUCCESS',
      'repository-name': repository,
      'image-digest': digest,
      'action-type': 'PUSH',
      'image-tag': tag,
      'manifest-media-type': mediaType,
    },
  }
}
