import { z } from 'zod'
import { MAX_CONFIG_ENTRIES, MAX_LAYERS } from './bounds.ts'
import { ImageError } from './errors.ts'
import type { ImageConfig } from './facts.ts'
import { parseJson } from './json.ts'

const texts = z.array(z.string()).max(MAX_CONFIG_ENTRIES).nullish()
const record = <Value extends z.ZodType>(value: Value) =>
  z
    .record(z.string(), value)
    .refine((given) => Object.keys(given).length <= MAX_CONFIG_ENTRIES, `has more than ${MAX_CONFIG_ENTRIES} entries`)
    .nullish()
const text = z.string().nullish()

/** https://github.com/opencontainers/image-spec/blob/main/config.md */
const configFile = z.object({
  os: text,
  architecture: text,
  variant: text,
  created: text,
  config: z
    .object({
      User: text,
      WorkingDir: text,
      Entrypoint: texts,
      Cmd: texts,
      Env: texts,
      Labels: record(z.string().nullable()),
      ExposedPorts: record(z.unknown()),
    })
    .nullish(),
  history: z
    .array(z.object({ created_by: text, empty_layer: z.boolean().nullish() }))
    .max(2 * MAX_LAYERS)
    .nullish(),
  rootfs: z.object({ diff_ids: z.array(z.string().max(200)).max(MAX_LAYERS).nullish() }).nullish(),
})

/**
 * Takes an image's configuration apart.
 * @throws ImageError ConfigUnreadable
 */
export function parseConfig(bytes: Uint8Array): ImageConfig {
  const { os, architecture, variant, created, config, history, rootfs } = check(bytes)
  const createdAt = timeOf(created)
  return {
    ...(os ? { os } : {}),
    ...(architecture ? { architecture } : {}),
    ...(variant ? { variant } : {}),
    ...(createdAt ? { createdAt } : {}),
    ...(config?.User ? { user: config.User } : {}),
    ...(config?.WorkingDir ? { workingDir: config.WorkingDir } : {}),
    entrypoint: config?.Entrypoint ?? [],
    cmd: config?.Cmd ?? [],
    env: Object.fromEntries((config?.Env ?? []).map(variable)),
    labels: Object.fromEntries(Object.entries(config?.Labels ?? {}).map(([name, value]) => [name, value ?? ''])),
    exposedPorts: Object.keys(config?.ExposedPorts ?? {}),
    history: (history ?? []).map(({ created_by, empty_layer }) => ({
      ...(created_by ? { createdBy: created_by } : {}),
      emptyLayer: empty_layer ?? false,
    })),
    diffIds: rootfs?.diff_ids ?? [],
  }
}

function check(bytes: Uint8Array): z.infer<typeof configFile> {
  let json: unknown
  try {
    json = parseJson(bytes)
  } catch (error) {
    throw unreadable((error as SyntaxError).message)
  }
  const { success, data, error } = configFile.safeParse(json)
  if (success) return data
  const [issue] = error.issues
  // Names of labels may be anything, and the values of variables are nobody's business.
  throw unreadable(
    `${issue?.path.slice(0, 2).join('.') || 'the document'}: ${issue?.message ?? 'is not as it must be'}`,
  )
}

function variable(entry: string): [string, string] {
  const at = entry.indexOf('=')
  return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)]
}

/** As RFC 3339; undefined for what is no time, and for Go's zero time, which stands for none. */
function timeOf(created: string | null | undefined): string | undefined {
  const time = Date.parse(created ?? '')
  return Number.isNaN(time) || time <= Date.parse('0001-01-01T00:00:00Z') ? undefined : new Date(time).toISOString()
}

function unreadable(why: string): ImageError {
  return new ImageError(
    'ConfigUnreadable',
    `The image’s configuration in the registry cannot be read: ${why.slice(0, 160)}. Push the image again with a current tool.`,
  )
}
