import type { KeyObject } from 'node:crypto'
import { signedFor } from './cosign/find.ts'
import { publicKey, verifies } from './cosign/keys.ts'
import { type Check, defect, pass } from './finding.ts'

/** Somebody who has one of the keys has approved of this very image, or of the index that it is part of. */
export const signature: Check<'signature'> = {
  async find({ publicKeys }, { digest, indexDigest }, { source, signal }) {
    if (publicKeys.length === 0) return undefined
    const keys: KeyObject[] = []
    for (const [index, pem] of publicKeys.entries())
      try {
        keys.push(publicKey(pem))
      } catch (error) {
        if (!(error instanceof TypeError)) throw error
        return defect(`publicKeys[${index}] ${error.message}: paste the file cosign.pub.`)
      }
    let others = 0
    for (const signed of indexDigest ? [digest, indexDigest] : [digest])
      for await (const { digests, data, signatures } of signedFor(source, signed, signal)) {
        // A signature that lies beside this image may speak of another.
        if (!digests.includes(signed)) continue
        const by = keys.findIndex((key) => signatures.some((bytes) => verifies(key, data, bytes)))
        if (by >= 0)
          return pass(`${signed === digest ? 'The image' : "The image's index"} is signed by publicKeys[${by}].`)
        others++
      }
    const found =
      others > 0
        ? `has ${others === 1 ? 'a signature, but not' : `${others} signatures, none of them`}`
        : 'has no signature'
    return defect(
      `The image ${found} by one of spec.checks.signature.publicKeys: sign the digest by cosign sign --key cosign.key <image>@<digest>, or correct the keys.`,
    )
  },
}
