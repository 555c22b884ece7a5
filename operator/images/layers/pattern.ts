import { MAX_PATH_LENGTH } from '../bounds.ts'
import { fits } from '../glob.ts'

/** More stars than anybody means, and a bound of what one file costs. */
const MAX_SEGMENTS = 64

/**
 * What is looked for: an absolute path, in which * stands for any characters within a name, and ** as a whole name for any names, or none; at
 * the end, for one or more.
 */
export type Pattern = {
  /** Normalised; two patterns that mean the same text are the same text. */
  text: string
  segments: readonly string[]
  /** How many segments have no star before the first that has one. */
  literal: number
  /** How many segments come before the first **. */
  anchored: number
  /** The literal segments as a path: nothing else can fit. */
  prefix: string
}

export function compile(text: string): Pattern {
  const path = normalise(text) ?? '/'
  const segments = path.split('/').slice(1, MAX_SEGMENTS + 1)
  const star = segments.findIndex((segment) => segment.includes('*'))
  const literal = star < 0 ? segments.length : star
  const any = segments.indexOf('**')
  return {
    text: path,
    segments,
    literal,
    anchored: any < 0 ? segments.length : any,
    prefix: `/${segments.slice(0, literal).join('/')}`,
  }
}

/**
 * A path as the container has it: absolute, without . and empty names, and without a / at its end. Undefined for what is none: with .., too
 * long, or with a line break's like.
 */
export function normalise(path: string): string | undefined {
  if (path.length > MAX_PATH_LENGTH || path.includes('\0')) return undefined
  const names = path.split('/').filter((name) => name !== '' && name !== '.')
  return names.includes('..') ? undefined : `/${names.join('/')}`
}

/** The path, or the folder above it, that the pattern fits. */
export function matched({ segments, literal, prefix }: Pattern, path: string): string | undefined {
  if (!isWithin(path, prefix)) return undefined
  if (literal === segments.length) return prefix
  const names = path.split('/').slice(1)
  let states = new Set([0])
  for (const [index, name] of names.entries()) {
    states = step(segments, states, name)
    if (states.size === 0) return undefined
    if (isAccepted(segments, states)) return `/${names.slice(0, index + 1).join('/')}`
  }
  return undefined
}

/** Whether something at or below the path could fit. */
export function reaches({ segments, literal, prefix }: Pattern, path: string): boolean {
  if (isWithin(prefix, path)) return true
  if (literal === segments.length || !isWithin(path, prefix)) return false
  let states = new Set([0])
  for (const name of path.split('/').slice(1)) {
    states = step(segments, states, name)
    if (states.size === 0) return false
  }
  return true
}

/** Whether the path is that folder, or in it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || folder === '/' || (path.startsWith(folder) && path[folder.length] === '/')
}

/** Which segments may come next, after one name more. */
function step(segments: readonly string[], states: ReadonlySet<number>, name: string): Set<number> {
  const next = new Set<number>()
  for (const state of closed(segments, states)) {
    const segment = segments[state]
    if (segment === undefined) continue
    // The one at the end is passed only with a name.
    if (segment === '**') {
      next.add(state)
      if (state === segments.length - 1) next.add(state + 1)
    } else if (fits(segment, name)) next.add(state + 1)
  }
  return next
}

/** With those that come after a ** that stands for nothing. */
function closed(segments: readonly string[], states: ReadonlySet<number>): Set<number> {
  const all = new Set(states)
  for (const state of all) if (segments[state] === '**' && state < segments.length - 1) all.add(state + 1)
  return all
}

function isAccepted(segments: readonly string[], states: ReadonlySet<number>): boolean {
  return states.has(segments.length)
}
