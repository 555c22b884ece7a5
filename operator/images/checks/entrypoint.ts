import { type Check, defect, pass } from './finding.ts'
import { matchAll } from './patterns.ts'
import { shown } from './text.ts'

/** The command line is the one that is meant: `serve.py` in the place of `inference.py` is a failed endpoint after 20 minutes. */
export const entrypoint: Check<'entrypoint'> = {
  async find({ matches, doesNotMatch }, { config }) {
    if (matches.length + doesNotMatch.length === 0) return undefined
    // SageMaker replaces CMD by its argument, which is then all there is.
    const text = config.entrypoint.length > 0 ? config.entrypoint.join(' ') : 'serve'
    const what = config.entrypoint.length > 0 ? `ENTRYPOINT is ${shown(text)}` : 'There is no ENTRYPOINT'
    const answers = await matchAll([...matches, ...doesNotMatch].map((pattern) => ({ pattern, text })))
    const missing = matches.find((_, index) => !answers[index])
    if (missing !== undefined)
      return defect(`${what}, which does not match ${shown(missing)}: build the image with the command that is meant.`)
    const forbidden = doesNotMatch.find((_, index) => answers[matches.length + index])
    if (forbidden !== undefined)
      return defect(`${what}, which matches ${shown(forbidden)}: build the image with the command that is meant.`)
    return pass(`${what}.`)
  },
}
