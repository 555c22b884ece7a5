import { type Check, defect, doubt, pass } from './finding.ts'
import { matchAll } from './patterns.ts'
import { listed, shown } from './text.ts'

/** The image sets what its server reads at start. Values are never shown. */
export const requiredEnv: Check<'requiredEnv'> = {
  async find({ variables }, { config }) {
    if (variables.length === 0) return undefined
    const missing = variables.filter(({ name }) => config.env[name] === undefined).map(({ name }) => name)
    if (missing.length > 0)
      return defect(`The image does not set ${listed(missing)}: add ENV to the Dockerfile, or lower what is required.`)
    const patterned = variables.flatMap(({ name, matches }) => (matches === undefined ? [] : [{ name, matches }]))
    const answers = await matchAll(
      patterned.map(({ name, matches }) => ({ pattern: matches, text: config.env[name] ?? '' })),
    )
    const other = patterned.find((_, index) => !answers[index])
    if (other)
      return defect(`${shown(other.name)} does not match ${shown(other.matches)}: correct ENV in the Dockerfile.`)
    return pass(`The image sets ${listed(variables.map(({ name }) => name))}.`)
  },
}

/** The image does not set what belongs to the build, or to whoever runs it. */
export const forbiddenEnv: Check<'forbiddenEnv'> = {
  find({ names, discouraged }, { config }) {
    const set = (name: string) => config.env[name] !== undefined
    const forbidden = names.filter(set)
    if (forbidden.length > 0)
      return defect(
        `The image sets ${listed(forbidden)}: take it out of the Dockerfile${forbidden.some((name) => name.startsWith('AWS_')) ? ', rotate the credentials, and leave them to the execution role' : ''}.`,
      )
    const unwise = discouraged.filter(set)
    if (unwise.length > 0)
      return doubt(`The image sets ${listed(unwise)}, which is meant for the build: write ARG in the place of ENV.`)
    return pass('The image sets no variable that it must not.')
  },
}
