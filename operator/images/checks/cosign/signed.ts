/** Something signed that speaks of images. Nothing of it is verified yet. */
export type Signed = {
  /** Of the images that it speaks of. */
  digests: string[]
  /** What was signed. */
  data: Uint8Array
  signatures: Uint8Array[]
}
