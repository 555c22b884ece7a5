import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto'

/**
 * Hashes that a signature may be made over, by curve. Cosign takes the curve's own; its first versions took SHA-256 for all.
 * RSA and ECDSA P-256, which `cosign generate-key-pair` makes, have SHA-256.
 */
const HASHES: Readonly<Record<string, readonly string[]>> = {
  secp384r1: ['sha384', 'sha256'],
  secp521r1: ['sha512', 'sha256'],
}
/** Below it, an RSA key can be broken. */
const MIN_RSA_BITS = 2048

/** @throws TypeError for what is no public key that signatures are accepted from, saying why */
export function publicKey(pem: string): KeyObject {
  let key: KeyObject
  try {
    key = createPublicKey(pem)
  } catch {
    throw new TypeError('is no public key in PEM')
  }
  const { modulusLength = MIN_RSA_BITS } = key.asymmetricKeyDetails ?? {}
  if (!['ec', 'rsa', 'ed25519'].includes(key.asymmetricKeyType ?? ''))
    throw new TypeError('is neither of ECDSA nor of RSA nor of Ed25519')
  if (modulusLength < MIN_RSA_BITS) throw new TypeError(`is of RSA with less than ${MIN_RSA_BITS} bits`)
  return key
}

/** Whether the signature over the data was made with the key's other half: DER for ECDSA, PKCS #1 1.5 for RSA, pure Ed25519. */
export function verifies(key: KeyObject, data: Uint8Array, signature: Uint8Array): boolean {
  if (key.asymmetricKeyType === 'ed25519') return verify(null, data, key, signature)
  const hashes = HASHES[key.asymmetricKeyDetails?.namedCurve ?? ''] ?? ['sha256']
  return hashes.some((hash) => verify(hash, data, { key, padding: constants.RSA_PKCS1_PADDING }, signature))
}
