/** Severities of findings, as Amazon ECR names them. */
export const SEVERITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'INFORMATIONAL', 'UNDEFINED'] as const
export type Severity = (typeof SEVERITIES)[number]

export type ScanFindings = {
  /** COMPLETE, or ACTIVE where the registry goes on scanning; anything else is no result yet. */
  status: string
  /** When it was last scanned. */
  scannedAt?: Date
  /** How many findings of each severity. */
  counts: Partial<Record<Severity, number>>
}

/** A manifest as the registry sent it, of an image, an index or an artifact; not verified. */
export type RawManifest = { mediaType: string; bytes: Uint8Array }

/** https://github.com/opencontainers/image-spec/blob/main/descriptor.md */
export type Descriptor = {
  mediaType: string
  digest: string
  /** In bytes, as it lies in the registry: layers are compressed. */
  size: number
  annotations?: Record<string, string>
  artifactType?: string
  platform?: { os?: string; architecture?: string; variant?: string }
}

/**
 * One repository of a registry, to read from: Amazon ECR by its own API, any other by the OCI distribution protocol. What it answers is
 * whatever the registry sends, within bounds of size, time and redirects; manifest.ts verifies it.
 */
export type ImageSource = {
  /** Host and path, without tag or digest. */
  repositoryUri: string
  /** Undefined where there is no such tag or digest. @throws ImageError; network and AWS errors, which may pass */
  manifest(tagOrDigest: string, signal: AbortSignal): Promise<RawManifest | undefined>
  /** The bytes of a configuration or a layer, from the beginning. @throws ImageError where it is absent */
  blob(digest: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>
  /** The tags, at most as many as bounds.ts allows. */
  tags(signal: AbortSignal): Promise<string[]>
  /** What refers to the image of that digest, such as signatures: OCI 1.1's referrers. Empty where the registry has no such API. */
  referrers(digest: string, signal: AbortSignal): Promise<Descriptor[]>
  /** When the registry received the image, where it says. */
  pushedAt(digest: string, signal: AbortSignal): Promise<Date | undefined>
  /** What a scan of the image found; undefined where there was none. */
  scanFindings(digest: string, signal: AbortSignal): Promise<ScanFindings | undefined>
}
