import { MAX_FACTS, MAX_HIDES } from '../bounds.ts'
import { isWithin, matched, normalise, type Pattern, reaches } from './pattern.ts'
import type { TarEntry } from './tar.ts'

/** Keeps what lower layers have out of sight: the path itself and what is below it, or only what is below it. */
export type Hide = { path: string; itself: boolean }
/** A folder on the way that is elsewhere. */
export type Link = { path: string; target: string }

/** What one layer says of one pattern, whatever is above and below it. */
export type Facts = {
  /** Paths that fit. */
  matches: string[]
  /** Those that are files which nobody may run. */
  inert: string[]
  hides: Hide[]
  links: Link[]
  /** Whether the whole layer was read for them, and all that was found is kept. */
  complete: boolean
}

const WHITEOUT = '.wh.'
/** https://github.com/opencontainers/image-spec/blob/main/layer.md#opaque-whiteout */
const OPAQUE = '.wh..wh..opq'

export function noFacts(): Facts {
  return { matches: [], inert: [], hides: [], links: [], complete: true }
}

/** An entry, its path normalised and taken apart once for all patterns. */
export type Entry = {
  path: string
  folder: string
  name: string
  type: TarEntry['type']
  target: string
  executable: boolean
}

/** Undefined for what no container runtime would unpack. */
export function entryOf({ path: given, type, target = '', executable }: TarEntry): Entry | undefined {
  const path = normalise(given)
  if (path === undefined) return undefined
  const at = path.lastIndexOf('/')
  return {
    path,
    folder: path.slice(0, at) || '/',
    name: path.slice(at + 1),
    type,
    target,
    executable: executable === true,
  }
}

/** Adds what an entry says of the pattern. */
export function learn(facts: Facts, pattern: Pattern, { path, folder, name, type, target, executable }: Entry): void {
  if (name.startsWith(WHITEOUT)) {
    if (name === OPAQUE) {
      if (reaches(pattern, folder)) keep(facts, facts.hides, { path: folder, itself: false }, MAX_HIDES)
      return
    }
    // Others that begin so are aufs's own.
    const hidden = `${folder === '/' ? '' : folder}/${name.slice(WHITEOUT.length)}`
    if (!name.startsWith(`${WHITEOUT}${WHITEOUT}`) && reaches(pattern, hidden))
      keep(facts, facts.hides, { path: hidden, itself: true }, MAX_HIDES)
    return
  }
  const match = matched(pattern, path)
  if (match !== undefined) {
    if (facts.matches.at(-1) !== match) keep(facts, facts.matches, match, MAX_FACTS)
    if (type === 'file' && path === match && !executable) keep(facts, facts.inert, path, MAX_FACTS)
    return
  }
  // A folder above takes the place of a link below, and a file that of a folder.
  if (!isOnTheWay(pattern, path)) return
  if (type === 'symlink') keep(facts, facts.links, { path, target }, MAX_FACTS)
  if (type !== 'directory') keep(facts, facts.hides, { path, itself: false }, MAX_HIDES)
  else if (isWithin(pattern.prefix, path)) keep(facts, facts.links, { path, target: '' }, MAX_FACTS)
}

/** Whether it is a folder through which something that fits could be reached. Below a **, every file would be. */
function isOnTheWay(pattern: Pattern, path: string): boolean {
  return reaches(pattern, path) && path.split('/').length - 1 <= pattern.anchored
}

function keep<T>(facts: Facts, list: T[], value: T, limit: number): void {
  if (list.length < limit) list.push(value)
  else facts.complete = false
}
