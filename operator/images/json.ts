import { MAX_JSON_DEPTH, MAX_JSON_VALUES } from './bounds.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPENING = new Set([0x5b, 0x7b])
const CLOSING = new Set([0x5d, 0x7d])

/**
 * Parses JSON of somebody else's making. What unfolds to far more than its bytes is refused before it does.
 * @throws SyntaxError for what is no JSON in UTF-8, nested too deep, or of too many values
 */
export function parseJson(bytes: Uint8Array): unknown {
  checkStructure(bytes)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new SyntaxError('it is not UTF-8', { cause })
  }
  try {
    return JSON.parse(text)
  } catch {
    // The engine's message quotes what it found.
    throw new SyntaxError('it is not JSON')
  }
}

function checkStructure(bytes: Uint8Array): void {
  let depth = 0
  let values = 0
  let inString = false
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number
    if (inString) {
      if (byte === BACKSLASH) at++
      else if (byte === QUOTE) inString = false
    } else if (byte === QUOTE) inString = true
    else if (byte === COMMA) values++
    else if (OPENING.has(byte)) {
      values++
      if (++depth > MAX_JSON_DEPTH) throw new SyntaxError(`it is nested deeper than ${MAX_JSON_DEPTH} levels`)
    } else if (CLOSING.has(byte)) depth--
    if (values > MAX_JSON_VALUES) throw new SyntaxError(`it holds more than ${MAX_JSON_VALUES} values`)
  }
}
