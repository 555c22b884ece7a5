import { MAX_LINKS } from '../bounds.ts'
import type { Facts, Hide } from './facts.ts'
import { compile, isWithin, normalise, type Pattern } from './pattern.ts'

/** Goes down through the layers for one pattern, and knows what those above have hidden. */
export type Search = {
  readonly pattern: Pattern
  /** How many layers it has heard of, from the topmost. */
  readonly depth: number
  readonly state: 'searching' | 'found' | 'absent' | 'undecided'
  /** The next layer's facts. Answers false where they are too few to decide: it must be read again, wholly. */
  hear(facts: Facts): boolean
  /** The next layer was not read, for that reason. */
  skip(why: string): void
  /** Why it was not read; the first, where there were several. */
  readonly unread: string | undefined
  /** Whether what was found is a file which nobody may run. */
  readonly inert: boolean
  /** Whether a path of the next layer is in sight. */
  sees(path: string): boolean
  /** All layers were heard of, or skipped. */
  bottom(): void
}

/** @param text the pattern, as given */
export function search(text: string): Search {
  let pattern = compile(text)
  let depth = 0
  let hides: Hide[] = []
  /** Folders that are folders in a layer above: a link of that name below is covered. */
  let folders = new Set<string>()
  let followed = 0
  let unread: string | undefined
  let inert = false
  let state: Search['state'] = 'searching'

  const sees = (path: string) => !hides.some((hide) => isWithin(path, hide.path) && (hide.itself || path !== hide.path))

  /** Starts again at the top, where the link leads to. */
  const follow = (path: string, target: string): void => {
    const rest = pattern.text.slice(path.length)
    const to = resolved(path, target)
    depth = 0
    hides = []
    folders = new Set()
    if (to === undefined || ++followed > MAX_LINKS) state = 'absent'
    else pattern = compile(to === '/' ? rest : `${to}${rest}`)
  }

  return {
    get pattern() {
      return pattern
    },
    get depth() {
      return depth
    },
    get state() {
      return state
    },
    sees,
    hear(facts) {
      const found = facts.matches.find(sees)
      if (found !== undefined) {
        state = 'found'
        inert = facts.inert.includes(found)
        return true
      }
      if (!facts.complete) return false
      const link = facts.links.find(
        ({ path, target }) =>
          target !== '' && isWithin(pattern.prefix, path) && path !== pattern.text && !folders.has(path) && sees(path),
      )
      if (link) {
        follow(link.path, link.target)
        return true
      }
      for (const { path, target } of facts.links) if (target === '') folders.add(path)
      hides = hides.concat(facts.hides)
      depth++
      return true
    },
    get unread() {
      return unread
    },
    get inert() {
      return inert
    },
    skip(why) {
      unread ??= why
      depth++
    },
    bottom() {
      if (state === 'searching') state = unread ? 'undecided' : 'absent'
    },
  }
}

/** Where a link leads, seen from its folder. Links out of the root end at the root, as in a container. */
function resolved(link: string, target: string): string | undefined {
  const names: string[] = target.startsWith('/') ? [] : link.split('/').slice(1, -1)
  for (const name of target.split('/')) {
    if (name === '..') names.pop()
    else if (name !== '' && name !== '.') names.push(name)
  }
  return normalise(`/${names.join('/')}`)
}
