import { z } from 'zod'
import { parseJson } from '../../json.ts'
import type { Signed } from './signed.ts'

/** https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto; earlier versions end in ;version=0.1 and 0.2. */
export const BUNDLE_TYPES = /^application\/vnd\.dev\.sigstore\.bundle(?:\.v0\.\d+\+json|\+json;version=0\.[12])$/
const STATEMENT_TYPE = 'application/vnd.in-toto+json'
/** What `cosign sign` states. An attestation, such as a bill of materials, is signed too, but approves of nothing. */
const SIGN_PREDICATE = 'https://sigstore.dev/cosign/sign/v1'
const MAX_SIGNATURES = 16
const MAX_SUBJECTS = 64

const base64 = z.string().regex(/^[A-Za-z0-9+/]*={0,2}$/)
const bundle = z.object({
  dsseEnvelope: z.object({
    payload: base64,
    payloadType: z.literal(STATEMENT_TYPE),
    signatures: z.array(z.object({ sig: base64.max(4096) })).max(MAX_SIGNATURES),
  }),
})
const statement = z.object({
  _type: z.enum(['https://in-toto.io/Statement/v1', 'https://in-toto.io/Statement/v0.1']),
  predicateType: z.literal(SIGN_PREDICATE),
  subject: z.array(z.object({ digest: z.record(z.string(), z.string()) })).max(MAX_SUBJECTS),
})

/**
 * Takes a Sigstore bundle apart that `cosign sign` has made: an in-toto statement in a DSSE envelope. Undefined for any other.
 * What is signed is DSSE's pre-authentication encoding: https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
 */
export function readBundle(bytes: Uint8Array): Signed | undefined {
  const envelope = parsed(bundle, bytes)?.dsseEnvelope
  if (!envelope) return undefined
  const payload = Buffer.from(envelope.payload, 'base64')
  const said = parsed(statement, payload)
  if (!said) return undefined
  const header = `DSSEv1 ${STATEMENT_TYPE.length} ${STATEMENT_TYPE} ${payload.length} `
  return {
    digests: said.subject.flatMap(({ digest }) => (digest.sha256 ? [`sha256:${digest.sha256}`] : [])),
    data: Buffer.concat([Buffer.from(header), payload]),
    signatures: envelope.signatures.map(({ sig }) => Buffer.from(sig, 'base64')),
  }
}

function parsed<T>(schema: z.ZodType<T>, bytes: Uint8Array): T | undefined {
  try {
    return schema.safeParse(parseJson(bytes)).data
  } catch {
    return undefined
  }
}
