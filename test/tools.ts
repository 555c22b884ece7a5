import { execFile } from 'node:child_process'
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

type Build = {
  package: string
  version: string
  /** The name says too little of what a program on PATH is, and of its version. */
  ignorePath?: true
}

/** Programs that tests run, pinned: a newer linter must not fail an unchanged chart, nor a newer registry the client. */
const TOOLS = {
  helm: { package: 'helm.sh/helm/v3/cmd/helm', version: 'v3.22.0' },
  kubeconform: { package: 'github.com/yannh/kubeconform/cmd/kubeconform', version: 'v0.8.0' },
  registry: { package: 'github.com/distribution/distribution/v3/cmd/registry', version: 'v3.1.2', ignorePath: true },
} as const satisfies Record<string, Build>

export type Tool = keyof typeof TOOLS

const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'mooring', 'tools')

/** Two busy cores need some minutes; past this, the build hangs. */
const BUILD_TIMEOUT_MS = 20 * 60_000

/** Whether `resolveTool` can succeed: the tool is there already, or Go is, to build it. */
export async function obtainable(tool: Tool): Promise<boolean> {
  return (await present(tool)) !== undefined || (await onPath('go')) !== undefined
}

/**
 * Finds a tool: on PATH, else in our cache, else built there once from its Go module.
 * @throws Error that says what to install when it is nowhere and cannot be built.
 */
export async function resolveTool(tool: Tool): Promise<string> {
  const found = await present(tool)
  if (found) return found
  const { package: module, version } = TOOLS[tool]
  await mkdir(CACHE, { recursive: true })
  // Built beside the target and renamed, so that a build cut short is never taken for a complete one.
  const staging = await mkdtemp(join(CACHE, 'building-'))
  try {
    await run('go', ['install', '-trimpath', '-ldflags=-s -w', `${module}@${version}`], {
      env: { ...process.env, GOBIN: staging, CGO_ENABLED: '0' },
      timeout: BUILD_TIMEOUT_MS,
      maxBuffer: 64 * 1024 * 1024,
    })
    await rename(join(staging, tool), cached(tool))
    return cached(tool)
  } catch (cause) {
    throw new Error(`no ${tool}: put it on PATH, or install Go so that ${module}@${version} can be built`, { cause })
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}

async function present(tool: Tool): Promise<string | undefined> {
  const { ignorePath }: Build = TOOLS[tool]
  return (ignorePath ? undefined : await onPath(tool)) ?? ((await exists(cached(tool))) ? cached(tool) : undefined)
}

async function onPath(name: string): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const candidate = join(folder, name)
    if (folder && (await exists(candidate))) return candidate
  }
  return undefined
}

function cached(tool: Tool): string {
  return join(CACHE, `${tool}-${TOOLS[tool].version}`)
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
