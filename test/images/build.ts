import { cp, link, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { run } from './process.ts'

export const REPOSITORY = resolve(import.meta.dirname, '..', '..')

/** The Debian that the cluster's `up` makes: no registry is asked. */
export const BASE_IMAGE = process.env.MOORING_BASE_IMAGE ?? 'localhost/debian:bookworm'
/** The same with this repository's node and this machine's npm: what the public node image is to a user. */
const NODE_IMAGE = 'localhost/mooring-test-node:24'

export const OPERATOR_IMAGE = 'localhost/mooring-operator:test'
export const INFERENCE_SERVER_IMAGE = 'localhost/mooring-inference-server:test'

/** No daemon, no user namespaces, no overlay: what works as root anywhere. */
const BUILDAH = { STORAGE_DRIVER: 'vfs', BUILDAH_ISOLATION: 'chroot' }
const BUILD_TIMEOUT_MS = 20 * 60_000

export function buildah(...args: string[]): Promise<string> {
  return run('buildah', args, { environment: BUILDAH, timeoutMs: BUILD_TIMEOUT_MS })
}

/** Seconds since 1970 that every file of a layer is dated by: equal content, equal digest. */
export const EPOCH = 1_700_000_000

/**
 * Builds one target of the Dockerfile; layers are kept between runs. In Docker's format, since OCI's has no HEALTHCHECK.
 * @returns the image's name, which is `tag`
 */
export async function build(target: string, tag: string, args: Record<string, string> = {}): Promise<string> {
  await buildNodeImage()
  // Older buildahs find a stage that is named by an argument only where it is given.
  const all = { NODE_IMAGE, BASE_IMAGE, ACCELERATOR: 'cpu', SOURCE_DATE_EPOCH: String(EPOCH), ...args }
  await buildah(
    ...[
      'bud',
      '-q',
      '--layers',
      '--force-rm',
      '--format',
      'docker',
      '--timestamp',
      String(EPOCH),
      '--target',
      target,
      '-t',
      tag,
    ],
    ...Object.entries(all).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
    REPOSITORY,
  )
  return tag
}

/** A build from a Containerfile and a context of a test's own. */
export async function buildFrom(
  containerfile: string,
  context: string,
  tag: string,
  args: Record<string, string> = {},
) {
  await buildah(
    ...['bud', '-q', '--layers', '--force-rm', '--format', 'docker', '-f', containerfile, '-t', tag],
    ...Object.entries(args).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
    context,
  )
  return tag
}

let nodeImage: Promise<void> | undefined
function buildNodeImage(): Promise<void> {
  nodeImage ??= (async () => {
    const context = await mkdtemp(join(tmpdir(), 'mooring-node-image-'))
    try {
      // `…/npm/bin/npm-cli.js`; npm itself says so to what it runs.
      const npmCli = process.env.npm_execpath ?? (await realpath((await run('which', ['npm'])).trim()))
      const npm = resolve(npmCli, '..', '..')
      const node = join(REPOSITORY, 'node_modules', 'node', 'bin', 'node')
      await link(node, join(context, 'node')).catch(() => cp(node, join(context, 'node')))
      await cp(npm, join(context, 'npm'), { recursive: true })
      // Where a mirror stands between, its authority is this machine's, not Debian's.
      await cp('/etc/ssl/certs/ca-certificates.crt', join(context, 'ca-certificates.crt'))
      await buildFrom(join(import.meta.dirname, 'node.Containerfile'), context, NODE_IMAGE, { BASE_IMAGE })
    } finally {
      await rm(context, { recursive: true, force: true })
    }
  })()
  return nodeImage
}

/** What the image says of itself: user, entry point, labels, health check. */
export type ImageConfig = {
  User: string
  Entrypoint: string[]
  Cmd?: string[]
  Env: string[]
  Labels: Record<string, string>
  ExposedPorts: Record<string, object>
  Healthcheck?: { Test: string[] }
}

export async function configOf(image: string): Promise<ImageConfig> {
  const described = JSON.parse(await buildah('inspect', '--type', 'image', image)) as {
    Docker: { config: ImageConfig }
  }
  return described.Docker.config
}

/** Gives a folder with the image's files, unpacked, for as long as `look` takes. */
export async function withFiles<T>(image: string, look: (folder: string) => Promise<T>): Promise<T> {
  const container = (await buildah('from', '--pull-never', image)).trim()
  try {
    const folder = (await buildah('mount', container)).trim()
    return await look(folder)
  } finally {
    await buildah('rm', container)
  }
}
