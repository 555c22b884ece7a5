import { type Check, defect, pass } from './finding.ts'
import { matchAll } from './patterns.ts'
import { listed, shown } from './text.ts'

/** The tag tells one build from the next. */
export const tag: Check<'tag'> = {
  async find({ forbidden, matches }, facts) {
    if (facts.tag === undefined) return pass('The image is referred to by its digest.')
    const given = facts.tag
    if (forbidden.includes(given))
      return defect(
        `The tag ${shown(given)} is moved with every build and does not tell which one runs: push the image with a version as well, and refer to that.`,
      )
    const answers = await matchAll(matches.map((pattern) => ({ pattern, text: given })))
    if (matches.length > 0 && !answers.includes(true))
      return defect(`The tag ${shown(given)} matches none of ${listed(matches)}: push the image with such a tag.`)
    return pass(`The tag is ${shown(given)}.`)
  },
}
