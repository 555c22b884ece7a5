import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { type Credentials, credentialsFor } from '../operator/images/oci/pull-secret.ts'

/** A helper asks a keychain, or a cloud; nobody wants to wait longer for it. */
const HELPER_TIMEOUT_MS = 15_000
const MAX_ANSWER = 64 * 1024
/** How helpers say that they have nothing: https://github.com/docker/docker-credential-helpers */
const NOT_FOUND = /credentials not found/i
/** The user name that stands for an identity token. */
const TOKEN = '<token>'

const helperName = z.string().regex(/^[A-Za-z0-9._-]+$/)
const config = z.object({
  credsStore: helperName.optional().catch(undefined),
  credHelpers: z.record(z.string(), helperName).optional().catch(undefined),
})
const answer = z.object({ Username: z.string(), Secret: z.string() })

/**
 * Who to be at a registry, as `docker login` left it: by the credential helper that the configuration names for it, else by what stands in the
 * configuration. Undefined where there is neither.
 * @param folder where config.json lies; it may be absent
 * @throws Error where a helper fails; nothing that it printed is in the message, which may be a password
 */
export async function dockerCredentials(
  host: string,
  repositoryUri: string,
  folder: string = process.env.DOCKER_CONFIG ?? join(homedir(), '.docker'),
): Promise<Credentials | undefined> {
  const text = await readFile(join(folder, 'config.json'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return undefined
  const { credHelpers, credsStore } = parsed(config, text) ?? {}
  const helper = credHelpers?.[host] ?? credsStore
  const byHelper = helper === undefined ? undefined : await askHelper(`docker-credential-${helper}`, host)
  return byHelper ?? credentialsFor(repositoryUri, [text])
}

async function askHelper(program: string, host: string): Promise<Credentials | undefined> {
  const { code, output } = await run(program, host)
  if (code !== 0) {
    if (NOT_FOUND.test(output)) return undefined
    throw new Error(
      `${program} ended with ${code}: run docker login ${host} again, or take it out of Docker's config.json`,
    )
  }
  const found = parsed(answer, output)
  if (!found) throw new Error(`${program} did not answer with credentials`)
  const { Username: username, Secret: password } = found
  return username === TOKEN ? { identityToken: password } : { username, password }
}

function run(program: string, input: string): Promise<{ code: number | string; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ['get'], { stdio: ['pipe', 'pipe', 'ignore'], timeout: HELPER_TIMEOUT_MS })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk
      if (output.length > MAX_ANSWER) child.kill()
    })
    child.once('error', (cause) =>
      reject(new Error(`${program}, which Docker's config.json names, cannot be run`, { cause })),
    )
    child.once('close', (code, signal) => resolve({ code: code ?? signal ?? 'an error', output }))
    // It may end without reading.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}

/** What JSON and zod say of it could quote a password. */
function parsed<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}
