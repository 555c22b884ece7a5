import type { ImageConfig } from '../facts.ts'
import { type Check, defect, doubt, pass } from './finding.ts'
import { SECRET_PATTERNS, soundsSecret } from './secret-patterns.ts'
import { listed, shown } from './text.ts'

/** Beyond it, nothing is looked for in one text: a history of megabytes would hold up everybody. */
const MAX_TEXT = 256 * 1024

type Place = { where: string; text: string }
type Leak = { what: string; where: string; doubtful: boolean }

/** Credentials in what everybody sees who can pull the image, layers aside. Says where they are, never what. */
export const secrets: Check<'secrets'> = {
  find({ allow }, { config }) {
    const allowed = new Set(allow)
    const leaks = [...places(config, allowed).flatMap(leaksAt), ...named(config, allowed)]
    const certain = leaks.filter(({ doubtful }) => !doubtful)
    if (leaks.length === 0) return pass('No credentials of a known form in environment, labels and build history.')
    if (certain.length === 0)
      return doubt(
        `The image may hold ${described(leaks)}: pass it when the container runs, or name the variable in allow where it is no secret.`,
      )
    return defect(
      `The image holds ${described(certain)}: revoke it, since whoever can pull the image has it, and pass it by RUN --mount=type=secret, or when the container runs.`,
    )
  },
}

function places({ env, labels, history, entrypoint, cmd }: ImageConfig, allow: ReadonlySet<string>): Place[] {
  const looked = ([name]: [string, string]) => !allow.has(name)
  return [
    ...Object.entries(env)
      .filter(looked)
      .map(([name, value]) => ({ where: `ENV ${shown(name, 40)}`, text: `${name}=${value}` })),
    ...Object.entries(labels)
      .filter(looked)
      .map(([name, value]) => ({ where: `LABEL ${shown(name, 40)}`, text: `${name}=${value}` })),
    { where: 'the command line', text: [...entrypoint, ...cmd].join(' ') },
    // ENV and LABEL stand there again.
    ...history
      .map(({ createdBy = '' }, index) => ({ where: `step ${index + 1} of the build history`, text: createdBy }))
      .filter(({ text }) => !/^(\/bin\/sh -c #\(nop\)\s+)?(ENV|LABEL)\s/.test(text)),
  ]
}

function leaksAt({ where, text }: Place): Leak[] {
  const searched = text.slice(0, MAX_TEXT)
  return SECRET_PATTERNS.filter(({ pattern }) => searched.search(pattern) >= 0).map(({ what, doubtful = false }) => ({
    what,
    where,
    doubtful,
  }))
}

/** Variables that are none of the known forms, and have the name of a secret. */
function named({ env }: ImageConfig, allowed: ReadonlySet<string>): Leak[] {
  return Object.entries(env)
    .filter(([name, value]) => !allowed.has(name) && soundsSecret(name, value))
    .map(([name]) => ({ what: 'a value', where: `ENV ${shown(name, 40)}, by its name`, doubtful: true }))
}

function described(leaks: readonly Leak[]): string {
  return listed(
    leaks.map(({ what, where }) => `${what} in ${where}`),
    2,
  )
}
