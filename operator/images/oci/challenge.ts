/** One way to sign in that a server names. */
export type Challenge = { scheme: string; parameters: Record<string, string> }

const SCHEME = /^[\s,]*([A-Za-z][A-Za-z0-9_-]{0,31})(?=\s|$)/
const PARAMETER = /^[\s,]*([A-Za-z][A-Za-z0-9_-]{0,31})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/
/** A server may send a long header; what is of use comes first. */
const MAX_LENGTH = 8192

/** Takes a WWW-Authenticate header apart, several challenges in one included: https://www.rfc-editor.org/rfc/rfc9110#field.www-authenticate */
export function parseChallenges(header: string): Challenge[] {
  const found: Challenge[] = []
  let rest = header.slice(0, MAX_LENGTH)
  while (rest) {
    const parameter = found.length > 0 ? PARAMETER.exec(rest) : null
    const [whole = '', name = '', quoted, plain = ''] = parameter ?? SCHEME.exec(rest) ?? []
    if (!whole) break
    rest = rest.slice(whole.length)
    const current = found.at(-1)
    if (parameter && current) current.parameters[name.toLowerCase()] = quoted?.replace(/\\(.)/g, '$1') ?? plain
    else found.push({ scheme: name.toLowerCase(), parameters: {} })
  }
  return found
}
