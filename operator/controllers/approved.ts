import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { z } from 'zod'

const MAX_BYTES = 1_048_576
const MAX_NAMESPACES = 10_000

const patterns = z.array(z.string().min(1).max(512)).max(256)
const limits = z.strictObject({
  repositories: patterns.optional(),
  roles: patterns.optional(),
  buckets: patterns.optional(),
})
const file = z.strictObject({
  default: limits.optional(),
  namespaces: z
    .record(z.string().max(63), limits)
    .refine((given) => Object.keys(given).length <= MAX_NAMESPACES, `may name ${MAX_NAMESPACES} namespaces`)
    .optional(),
})

type Limited = keyof z.infer<typeof limits>

/** What the objects of a namespace may use, as whoever runs the operator has decided. */
export type Approved = {
  /** @param name a repository without tag, a role's ARN, or a bucket */
  allows(namespace: string, what: Limited, name: string): boolean
}

/** Nothing was decided: what Kubernetes and AWS allow, Mooring does. */
export const unlimited: Approved = { allows: () => true }

/**
 * Reads what is approved from a YAML or JSON file: `default` and `namespaces.<name>`, each with lists of patterns for `repositories`,
 * `roles` and `buckets`, in which `*` stands for anything. A list that is left out is that of `default`; without one there either, it
 * limits nothing.
 * @throws Error that names the file and what is wrong in it
 */
export async function readApproved(path: string): Promise<Approved> {
  const text = await readFile(path, 'utf8')
  if (text.length > MAX_BYTES) throw new Error(`${path}: the file may have ${MAX_BYTES} characters`)
  const { success, data, error } = file.safeParse(parse(text) ?? {})
  if (!success) throw new Error(`${path}: ${z.prettifyError(error)}`)
  const namespaces = new Map(Object.entries(data.namespaces ?? {}))
  return {
    allows(namespace, what, name) {
      const list = namespaces.get(namespace)?.[what] ?? data.default?.[what]
      return list === undefined || list.some((pattern) => matches(pattern, name))
    },
  }
}

/** Whether the whole name fits a pattern in which * stands for any characters. Takes time in proportion to the name's length. */
export function matches(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return pattern === name
  if (!name.startsWith(first) || name.length < first.length + last.length || !name.endsWith(last)) return false
  let at = first.length
  for (const part of rest) {
    const found = name.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return at <= name.length - last.length
}
