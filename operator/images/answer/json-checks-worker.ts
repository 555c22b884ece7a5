import { parentPort, workerData } from 'node:worker_threads'
import { JSONPath } from 'jsonpath-plus'
import type { JsonCheck } from './json-checks.ts'

/** Of what was found, in a message. */
const MAX_SHOWN = 80
/** Of one value, that an expression is tried on. */
const MAX_MATCHED = 4096

function mismatches(text: string, checks: readonly JsonCheck[]): string[] {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return [`The answer is not JSON; it begins with ${shown(text)}.`]
  }
  return checks.flatMap((check) => mismatch(json, check) ?? [])
}

function mismatch(json: unknown, { path, equals, matches }: JsonCheck): string | undefined {
  let found: unknown[]
  try {
    found = JSONPath({ path, json: json as object, wrap: true, eval: false })
  } catch (error) {
    return `${path} is no JSONPath that can be used: ${shown(String(error))}.`
  }
  if (found.length === 0) return `The answer has nothing at ${path}.`
  const values = found.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
  if (equals !== undefined) {
    const other = values.find((value) => value !== equals)
    if (other !== undefined) return `${path} is ${shown(other)}, not ${shown(equals)}.`
  }
  if (matches !== undefined) {
    let expression: RegExp
    try {
      expression = new RegExp(matches, 'u')
    } catch {
      return `${shown(matches)} is no regular expression of JavaScript.`
    }
    const other = values.find((value) => !expression.test(value.slice(0, MAX_MATCHED)))
    if (other !== undefined) return `${path} is ${shown(other)}, which does not match ${shown(matches)}.`
  }
  return undefined
}

/** Cut without splitting a character, and on one line. */
function shown(value: string): string {
  const characters = Array.from(value.slice(0, 2 * MAX_SHOWN).replace(/\s+/g, ' '))
  return characters.length > MAX_SHOWN ? `“${characters.slice(0, MAX_SHOWN).join('')}…”` : `“${characters.join('')}”`
}

const { text, checks } = workerData as { text: string; checks: readonly JsonCheck[] }
parentPort?.postMessage(mismatches(text, checks))
