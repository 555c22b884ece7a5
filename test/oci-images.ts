import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gzip, zstdCompress } from 'node:zlib'
import { type Header, pack } from 'tar-stream'

/**
 * Images written by hand, for what no build tool would make, and in milliseconds; pushed by the distribution protocol:
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md
 */

/** The content of a file; a link, a folder, or a member of a tar archive as it is. A path ending in / is a folder. */
export type File =
  | string
  | Uint8Array
  | { text: string; mode: number }
  | { symlink: string }
  | { hardlink: string }
  | { header: Partial<Header> }
/** By path, as it shall stand in the archive: app/serve.py, ./app, /app. */
export type Files = Record<string, File>

export type Compression = 'gzip' | 'zstd' | 'none'

export type Blob = { bytes: Uint8Array; digest: string; mediaType: string }
export type Layer = Blob & {
  /** Of the archive before compression. */
  diffId: string
}
export type Image = {
  config: Blob
  layers: Layer[]
  manifest: Blob
  /** Of the manifest. */
  digest: string
  platform: { os: string; architecture: string }
}
export type Index = { manifest: Blob; digest: string; images: Image[] }

export type ImageOptions = {
  layers?: Layer[]
  /** The container's part of the configuration: Entrypoint, Cmd, Env, Labels, ExposedPorts, User, WorkingDir. */
  config?: object
  os?: string
  architecture?: string
  /** RFC 3339. */
  created?: string
  history?: object[]
  /** Docker's media types instead of OCI's. */
  docker?: boolean
  /** In place of what is made, for images that are wrong. */
  manifest?: object
  annotations?: Record<string, string>
}

const OCI = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
} as const
const DOCKER = {
  manifest: 'application/vnd.docker.distribution.manifest.v2+json',
  index: 'application/vnd.docker.distribution.manifest.list.v2+json',
  config: 'application/vnd.docker.container.image.v1+json',
  layer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
} as const

export function blobOf(content: Uint8Array | string | object, mediaType = 'application/octet-stream'): Blob {
  const bytes =
    content instanceof Uint8Array
      ? content
      : Buffer.from(typeof content === 'string' ? content : JSON.stringify(content))
  return { bytes, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, mediaType }
}

/** A layer with these files, in their order. */
export async function layerOf(files: Files, compression: Compression = 'gzip'): Promise<Layer> {
  return layerOfTar(await tarOf(files), compression)
}

/** A layer of any archive. */
export async function layerOfTar(tar: Uint8Array, compression: Compression = 'gzip'): Promise<Layer> {
  const bytes =
    compression === 'gzip'
      ? await promisify(gzip)(tar)
      : compression === 'zstd'
        ? await promisify(zstdCompress)(tar)
        : tar
  const mediaType = compression === 'none' ? OCI.layer : `${OCI.layer}+${compression}`
  return { ...blobOf(bytes, mediaType), diffId: blobOf(tar).digest }
}

export async function tarOf(files: Files): Promise<Uint8Array> {
  const archive = pack()
  for (const [name, file] of Object.entries(files)) {
    const mtime = new Date(0)
    if (typeof file === 'string' || file instanceof Uint8Array) {
      if (name.endsWith('/')) archive.entry({ name, type: 'directory', mtime })
      else archive.entry({ name, mtime }, Buffer.from(file))
    } else if ('text' in file) archive.entry({ name, mtime, mode: file.mode }, file.text)
    else if ('symlink' in file) archive.entry({ name, type: 'symlink', linkname: file.symlink, mtime })
    else if ('hardlink' in file) archive.entry({ name, type: 'link', linkname: file.hardlink, mtime })
    else archive.entry({ name, mtime, ...file.header })
  }
  archive.finalize()
  const chunks: Uint8Array[] = []
  for await (const chunk of archive) chunks.push(chunk as Uint8Array)
  return Buffer.concat(chunks)
}

export function imageOf(options: ImageOptions = {}): Image {
  const { layers = [], os = 'linux', architecture = 'amd64', annotations } = options
  const types = options.docker ? DOCKER : OCI
  const config = blobOf(
    {
      os,
      architecture,
      ...(options.created ? { created: options.created } : {}),
      config: options.config ?? {},
      history: options.history ?? [],
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    },
    types.config,
  )
  const manifest = blobOf(
    options.manifest ?? {
      schemaVersion: 2,
      mediaType: types.manifest,
      config: descriptorOf(config),
      layers: layers.map((layer) => descriptorOf(options.docker ? { ...layer, mediaType: DOCKER.layer } : layer)),
      ...(annotations ? { annotations } : {}),
    },
    types.manifest,
  )
  return { config, layers, manifest, digest: manifest.digest, platform: { os, architecture } }
}

/** An index of images; with Docker's media types, a manifest list. */
export function indexOf(images: Image[], { docker = false, more = [] as object[] } = {}): Index {
  const mediaType = (docker ? DOCKER : OCI).index
  const manifests = images.map(({ manifest, platform }) => ({ ...descriptorOf(manifest), platform }))
  const manifest = blobOf({ schemaVersion: 2, mediaType, manifests: [...manifests, ...more] }, mediaType)
  return { manifest, digest: manifest.digest, images }
}

export function descriptorOf({ mediaType, digest, bytes }: Blob) {
  return { mediaType, digest, size: bytes.byteLength }
}

/** Where to push: of test/registry.ts, or any registry that asks for no more than these headers. */
export type Target = { url: string; pusher(repository: string): Record<string, string> }

/** Pushes an image or an index, with everything it refers to, under the tags and its digest. Answers the digest. */
export async function push(
  target: Target,
  repository: string,
  pushed: Image | Index,
  ...tags: string[]
): Promise<string> {
  if ('images' in pushed) for (const image of pushed.images) await push(target, repository, image)
  else for (const blob of [pushed.config, ...pushed.layers]) await pushBlob(target, repository, blob)
  for (const reference of tags.length > 0 ? tags : [pushed.digest])
    await pushManifest(target, repository, pushed.manifest, reference)
  return pushed.digest
}

export async function pushBlob(target: Target, repository: string, { bytes, digest }: Blob): Promise<void> {
  const headers = target.pusher(repository)
  const base = `${target.url}/v2/${repository}/blobs`
  if ((await fetch(`${base}/${digest}`, { method: 'HEAD', headers })).ok) return
  const started = await accepted(await fetch(`${base}/uploads/`, { method: 'POST', headers }))
  const location = new URL(started.headers.get('location') ?? '', target.url)
  location.searchParams.set('digest', digest)
  const body = Buffer.from(bytes)
  await accepted(
    await fetch(location, {
      method: 'PUT',
      headers: { ...headers, 'content-type': 'application/octet-stream' },
      body,
    }),
  )
}

/** @param reference tag or digest */
export async function pushManifest(
  target: Target,
  repository: string,
  { bytes, mediaType }: Blob,
  reference: string,
): Promise<void> {
  const headers = { ...target.pusher(repository), 'content-type': mediaType }
  const url = `${target.url}/v2/${repository}/manifests/${reference}`
  await accepted(await fetch(url, { method: 'PUT', headers, body: Buffer.from(bytes) }))
}

async function accepted(response: Response): Promise<Response> {
  if (response.ok) return response
  throw new Error(`the registry answered ${response.status} to a push: ${await response.text()}`)
}
