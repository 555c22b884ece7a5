/**
 * Whether a pattern in which each * stands for any characters, or none, fits the whole text. It takes time as the product of their lengths at
 * most, whatever stars are in it, where a regular expression may take for ever.
 */
export function fits(pattern: string, text: string): boolean {
  let at = 0
  let next = 0
  let star = -1
  let resume = 0
  while (at < text.length) {
    if (pattern[next] === '*') {
      star = next++
      resume = at
    } else if (pattern[next] === text[at]) {
      at++
      next++
    } else if (star >= 0) {
      next = star + 1
      at = ++resume
    } else return false
  }
  while (pattern[next] === '*') next++
  return next === pattern.length
}
