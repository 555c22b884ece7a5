import type { ImageFacts } from '../facts.ts'
import { type Check, defect, pass } from './finding.ts'
import { listed, shown } from './text.ts'

/**
 * The lowest layers are those of an image that is approved. By digests, or by diff_ids, which stay the same where a registry or a tool
 * compresses layers anew.
 */
export const baseImage: Check<'baseImage'> = {
  find({ allowed }, facts) {
    if (allowed.length === 0) return undefined
    const base = allowed.find(({ layers }) => startsWith(facts, layers))
    if (base) return pass(`The image is built upon ${shown(base.name)}.`)
    return defect(
      `The image's lowest layers are not those of ${listed(allowed.map(({ name }) => name))}: build it FROM one of them, or add its present base image to allowed.`,
    )
  },
}

function startsWith({ layers, config }: ImageFacts, base: readonly string[]): boolean {
  return [layers.map(({ digest }) => digest), config.diffIds].some((own) =>
    base.every((digest, index) => own[index] === digest),
  )
}
