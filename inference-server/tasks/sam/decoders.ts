import type { Models } from '../../families/family.ts'
import type { SamDecoder } from './decoder.ts'
import { sam2HfDecoder, samHfDecoder } from './sam-hf.ts'
import { sam1Decoder } from './sam1.ts'
import { sam2Decoder } from './sam2.ts'

/** The SAM that segments by points and boxes: the most capable of those that are there. */
export function samDecoder(models: Models): SamDecoder | undefined {
  return sam2Decoder(models) ?? sam2HfDecoder(models) ?? sam1Decoder(models) ?? samHfDecoder(models)
}
