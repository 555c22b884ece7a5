import { z } from 'zod'
import { parseJson } from '../../json.ts'
import type { Descriptor } from '../../source.ts'
import type { Signed } from './signed.ts'

export const SIMPLE_SIGNING_TYPE = 'application/vnd.dev.cosign.simplesigning.v1+json'
const SIGNATURE = 'dev.cosignproject.cosign/signature'
const MAX_SIGNATURE_LENGTH = 4096

const payload = z.object({
  critical: z.object({
    type: z.literal('cosign container image signature'),
    image: z.object({ 'docker-manifest-digest': z.string() }),
  }),
})

/**
 * Takes a signature apart as cosign stored it up to version 2: the payload is a layer, and the signature an annotation of it.
 * https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md. Undefined for anything else.
 */
export function readSimpleSigning({ annotations }: Descriptor, bytes: Uint8Array): Signed | undefined {
  const signature = annotations?.[SIGNATURE]
  if (!signature || signature.length > MAX_SIGNATURE_LENGTH) return undefined
  let said: z.infer<typeof payload> | undefined
  try {
    said = payload.safeParse(parseJson(bytes)).data
  } catch {
    return undefined
  }
  if (!said) return undefined
  return {
    digests: [said.critical.image['docker-manifest-digest']],
    data: bytes,
    signatures: [Buffer.from(signature, 'base64')],
  }
}
