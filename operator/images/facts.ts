import type { Descriptor } from './source.ts'

/** What an image says of itself: https://github.com/opencontainers/image-spec/blob/main/config.md */
export type ImageConfig = {
  os?: string
  architecture?: string
  variant?: string
  /** RFC 3339. */
  createdAt?: string
  user?: string
  workingDir?: string
  entrypoint: string[]
  cmd: string[]
  /** The last of a name wins, as in a container. */
  env: Record<string, string>
  labels: Record<string, string>
  /** As 8080/tcp. */
  exposedPorts: string[]
  /** The steps of the build, in their order. */
  history: { createdBy?: string; emptyLayer: boolean }[]
  /** Of the unpacked layers, in their order. */
  diffIds: string[]
}

/** Everything that the manifest and the configuration of one image tell, verified against its digest. No layer is read for it. */
export type ImageFacts = {
  /** Host and path, without tag or digest. */
  repositoryUri: string
  /** The tag that led here, where one did. */
  tag?: string
  /** Of the manifest for the platform: what runs. */
  digest: string
  /** Of the index that the reference names, where it names one. */
  indexDigest?: string
  /** From the base upwards. */
  layers: Descriptor[]
  /** Of all compressed layers, in bytes. */
  sizeBytes: number
  config: ImageConfig
  /** When the registry received it, where it says. */
  pushedAt?: Date
}

/** linux/amd64, or linux/arm64 for Graviton instances. */
export type Platform = { os: string; architecture: string }
