import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ISSUER, SERVICE, type TokenServer, tokenServer } from './registry-tokens.ts'
import { resolveTool } from './tools.ts'

/** Who may read and write a registry that asks; bcrypt of the password is what htpasswd files hold. */
export const USER = { name: 'puller', password: 'correct-horse' } as const
const HTPASSWD = `${USER.name}:$2b$05$abcdefghijklmnopqrstuuZ0Fx87Pb/Aqb0E90lfvCwzXnaFKUHpS\n`

export type TestRegistry = {
  /** As in a reference: 127.0.0.1:40185. It speaks plain http. */
  host: string
  url: string
  /** The Authorization header of who pushes to the repository; empty where nobody is asked. */
  pusher(repository: string): Record<string, string>
  /** With token authentication: the server that gives tokens out. */
  tokens: TokenServer | undefined
  stop(): Promise<void>
}

export type TestRegistryOptions = {
  /** none: anybody may read and write. basic: USER by password. token: USER by a bearer token; anybody may read public/…. */
  auth?: 'none' | 'basic' | 'token'
}

/**
 * A real registry, distribution/distribution of the version in tools.ts, on a free port of loopback. What is pushed lies in a temporary
 * directory that goes with it.
 * @throws Error with what it printed, where it does not start
 */
export async function startRegistry({ auth = 'none' }: TestRegistryOptions = {}): Promise<TestRegistry> {
  const program = await resolveTool('registry')
  const folder = await mkdtemp(join(tmpdir(), 'mooring-registry-'))
  const tokens = auth === 'token' ? await tokenServer(USER) : undefined
  const configFile = join(folder, 'config.yml')
  const htpasswd = join(folder, 'htpasswd')
  const jwks = join(folder, 'jwks.json')
  await writeFile(htpasswd, HTPASSWD)
  await writeFile(jwks, JSON.stringify(tokens?.jwks ?? {}))
  const authentication = {
    none: {},
    basic: { auth: { htpasswd: { realm: 'test', path: htpasswd } } },
    token: { auth: { token: { realm: tokens?.realm, service: SERVICE, issuer: ISSUER, jwks } } },
  }[auth]
  const config = {
    version: '0.1',
    log: { level: 'info', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, 'store') }, delete: { enabled: true } },
    http: { addr: '127.0.0.1:0', secret: 'test' },
    ...authentication,
  }
  // Every JSON document is YAML.
  await writeFile(configFile, JSON.stringify(config))

  const child = spawn(program, ['serve', configFile], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // Its tracing would look for a collector.
    env: { ...process.env, OTEL_TRACES_EXPORTER: 'none' },
  })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const stop = async () => {
    child.kill('SIGKILL')
    await gone
    await tokens?.stop()
    await rm(folder, { recursive: true, force: true })
  }
  const host = await new Promise<string>((resolve, reject) => {
    const printed: string[] = []
    createInterface({ input: child.stderr }).on('line', (line) => {
      const [, address] = /listening on (127\.0\.0\.1:\d+)/.exec(line) ?? []
      if (address) resolve(address)
      if (printed.length < 50) printed.push(line)
    })
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`the registry ended with ${code}: ${printed.join('\n')}`)))
  }).catch(async (error: unknown) => {
    await stop()
    throw error
  })

  return {
    host,
    url: `http://${host}`,
    tokens,
    pusher(repository) {
      if (auth === 'none') return {}
      if (tokens) return { authorization: `Bearer ${tokens.token(repository, ['pull', 'push', 'delete'])}` }
      return { authorization: `Basic ${Buffer.from(`${USER.name}:${USER.password}`).toString('base64')}` }
    },
    stop,
  }
}
