import { createHash } from 'node:crypto'

/** The one algorithm that registries and SageMaker take everywhere. */
export const DIGEST = /^sha256:[a-f0-9]{64}$/

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

const SHORT_DIGEST = 12

/** The first 12 hexadecimal digits, as people compare digests. */
export function short(digest: string): string {
  return digest.replace('sha256:', '').slice(0, SHORT_DIGEST)
}
