import type { ImageConfig } from '../facts.ts'
import type { FoundPaths } from '../layers/files.ts'
import { inWorkingDir, onPath, programOf, shellCommand, unwrapped } from './command.ts'
import { type Check, defect, doubt, type Finding, pass } from './finding.ts'
import { listed, shown } from './text.ts'

/** They run the file that their first argument names: without one, `serve` becomes it. */
const INTERPRETERS = /^(python[0-9.]*|pypy3?|node|nodejs|deno|bun|ruby|perl|php|Rscript|sh|bash|dash|ash)$/
/**
 * Servers that end with an error over an argument that they do not know, where their own come before it: `uvicorn app:app serve` says “Got
 * unexpected extra argument (serve)”.
 */
const REFUSING = new Set(['uvicorn', 'hypercorn', 'flask', 'fastapi', 'nginx', 'daphne'])
/** Of base images, such as Docker's own for Node.js and databases: it mostly goes on to run what stands in CMD. */
const OF_BASE_IMAGES = 'docker-entrypoint.sh'
/** `vllm serve` takes the next argument for the name of a model. */
const MISTAKING = new Set(['vllm'])

/**
 * The image can be started as SageMaker does it, by `docker run <image> serve`: the argument takes the place of CMD
 * (https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html).
 */
export const serveArgument: Check<'serveArgument'> = {
  paths: (_, { config }) => ({ required: candidates(config) }),

  async find(_, { config }, context) {
    const { entrypoint } = config
    const command = unwrapped(entrypoint)
    const files = candidates(config)
    if (command.length === 0) return standsAlone(config, files, await context.paths())
    const program = programOf(command[0])
    if (shellCommand(entrypoint) !== undefined)
      return pass('A shell runs the command and leaves the argument serve aside.')
    if (files.length > 0) return scriptOf(program, files, await context.paths())
    const server = serverOf(command)
    if (server && REFUSING.has(server))
      return defect(
        `ENTRYPOINT runs ${server}, which ends with an error when SageMaker passes the argument serve: start it from a script that leaves the argument aside and ends in exec ${server}.`,
      )
    if (server && MISTAKING.has(server))
      return doubt(
        `ENTRYPOINT runs ${server}, which may take the argument serve that SageMaker passes for one of its own: start it from a script that leaves the argument aside.`,
      )
    if (program === OF_BASE_IMAGES && command.length === 1 && config.cmd.length > 0)
      return doubt(
        `ENTRYPOINT is the base image's ${OF_BASE_IMAGES}, and SageMaker's argument serve replaces CMD (${shown(config.cmd.join(' '), 40)}): write the command into ENTRYPOINT, or see that the script starts the server.`,
      )
    if (programOf(entrypoint[0]) === 'tini')
      return doubt(
        'ENTRYPOINT is tini, which AWS says gets confused by the argument serve: start the server itself, or see that the contract test passes.',
      )
    return pass(`ENTRYPOINT runs ${shown(program)} with the argument serve.`)
  },
}

/** Files that SageMaker's argument would start. */
function candidates(config: ImageConfig): string[] {
  const [program, ...others] = unwrapped(config.entrypoint)
  if (program === undefined) return [...new Set(onPath('serve', config))]
  const bare = INTERPRETERS.test(programOf(program)) && others.every((argument) => /^-[A-Za-z]{1,3}$/.test(argument))
  // python -m and node -e take it for something else.
  return bare && !others.some((option) => /^-[A-Za-z]*[cmep]$/.test(option)) ? [inWorkingDir('serve', config)] : []
}

function standsAlone(
  { entrypoint, cmd }: ImageConfig,
  files: string[],
  { present, inert, undecided, unread = '' }: FoundPaths,
): Finding {
  const start =
    entrypoint.length > 0 ? `ENTRYPOINT is ${shown(entrypoint.join(' '), 40)} alone` : 'There is no ENTRYPOINT'
  const found = files.find((file) => present.has(file) && !inert.has(file))
  if (found) return pass(`${start}: SageMaker's argument runs ${shown(found)}.`)
  const barred = files.find((file) => inert.has(file))
  if (barred)
    return defect(
      `${start}: SageMaker's argument runs ${shown(barred)}, which nobody may execute: add RUN chmod +x ${shown(barred)} to the Dockerfile.`,
    )
  const lost = cmd.length > 0 ? `replaces CMD (${shown(cmd.join(' '), 40)})` : 'is then the whole command'
  const cause = `${start}, so that SageMaker's argument serve ${lost}`
  if (files.some((file) => undecided.has(file)))
    return doubt(`${cause}, and no program serve was found, but ${shown(unread)}. Write the command into ENTRYPOINT.`)
  return defect(`${cause}, and there is no program serve on the PATH: write the command into ENTRYPOINT.`)
}

function scriptOf(program: string, files: string[], { present, undecided, unread = '' }: FoundPaths): Finding {
  if (files.some((file) => present.has(file))) return pass(`ENTRYPOINT runs ${listed(files)} by ${shown(program)}.`)
  const cause = `ENTRYPOINT is ${shown(program)} alone, which takes SageMaker's argument serve for the file to run, and ${listed(files)}`
  const remedy = 'write the whole command into ENTRYPOINT, since CMD is replaced'
  if (files.some((file) => undecided.has(file)))
    return doubt(`${cause} was not found, but ${shown(unread)}: ${remedy}.`)
  return defect(`${cause} does not exist: ${remedy}.`)
}

/** The program, or the module that Python runs as one. */
function serverOf([program, ...others]: string[]): string | undefined {
  if (!/^python[0-9.]*$/.test(programOf(program))) return programOf(program)
  const option = others.findIndex((argument) => !/^-[A-Za-ln-z]+$/.test(argument))
  return others[option] === '-m' ? others[option + 1]?.split('.')[0] : undefined
}
