import type { ImageConfig } from '../facts.ts'

/** What a Linux container has where the image sets no PATH: containerd's and Docker's default. */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
/** More folders than any PATH has. */
const MAX_FOLDERS = 32

const SHELLS = new Set(['sh', 'bash', 'dash', 'ash', 'zsh', 'ksh', 'busybox'])
/** They start the command that they are handed; NVIDIA's script is the ENTRYPOINT of its images. */
const WRAPPERS = new Set(['tini', 'dumb-init', 'env', 'nvidia_entrypoint.sh'])

/** The name of a program without its folder. */
export function programOf(argument: string | undefined): string {
  return argument?.slice(argument.lastIndexOf('/') + 1) ?? ''
}

/** The command that a shell in the command line is given by -c; undefined where there is none. */
export function shellCommand(command: readonly string[]): string | undefined {
  for (const [index, argument] of command.entries()) {
    if (!SHELLS.has(programOf(argument))) continue
    const option = command.findIndex((next, at) => at > index && /^-[a-z]*c[a-z]*$/.test(next))
    // Only options may stand between the two.
    if (option > 0 && command.slice(index + 1, option).every((between) => between.startsWith('-') || between === 'sh'))
      return command[option + 1] ?? ''
  }
  return undefined
}

/** The command line without what only starts it: tini --, env NAME=value. */
export function unwrapped(command: readonly string[]): string[] {
  let rest = [...command]
  while (WRAPPERS.has(programOf(rest[0]))) {
    rest = rest.slice(1)
    while (rest[0] !== undefined && (rest[0].startsWith('-') || /^[A-Za-z_][A-Za-z0-9_]*=/.test(rest[0])))
      rest = rest.slice(1)
  }
  return rest
}

/** Where a program of that name would be found: in the folders of PATH. */
export function onPath(program: string, { env }: ImageConfig): string[] {
  return (env.PATH || DEFAULT_PATH)
    .split(':')
    .filter((folder) => folder.startsWith('/'))
    .slice(0, MAX_FOLDERS)
    .map((folder) => join(folder, program))
}

/** The path of a file in the folder that the container starts in. */
export function inWorkingDir(file: string, { workingDir }: ImageConfig): string {
  return join(workingDir || '/', file)
}

function join(folder: string, file: string): string {
  const segments = `${folder}/${file}`.split('/').filter((segment) => segment !== '' && segment !== '.')
  return `/${segments.join('/')}`
}
