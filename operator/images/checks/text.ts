import { redacted } from './secret-patterns.ts'

/** For a condition or an event; see the style of conditions. */
export const MAX_MESSAGE = 300
const MAX_SHOWN = 80
const MAX_LISTED = 3

/** What an image says of itself, for a message: on one line, without control characters and credentials, and cut. */
export function shown(text: string, max: number = MAX_SHOWN): string {
  // Twice the length is enough to find a credential that begins within it.
  const safe = redacted(text.slice(0, 4 * max)).replace(/[\p{C}\p{Z}]+/gu, ' ')
  return cut(safe, max)
}

/** The first few, and how many more there are. */
export function listed(items: readonly string[], max: number = MAX_LISTED): string {
  const more = items.length - max
  const first = items.slice(0, max).map((item) => shown(item))
  if (more > 0) return `${first.join(', ')} and ${more} more`
  return first.length > 1 ? `${first.slice(0, -1).join(', ')} and ${first.at(-1)}` : (first[0] ?? '')
}

/** Cut, without splitting a character. */
export function cut(text: string, max: number): string {
  const characters = Array.from(text)
  return characters.length > max ? `${characters.slice(0, max - 1).join('')}…` : text
}
