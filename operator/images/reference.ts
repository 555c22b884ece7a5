/** An image reference, taken apart. */
export type ImageReference = {
  /** With the port, where there is one: localhost:5000, 123456789012.dkr.ecr.us-east-1.amazonaws.com. */
  host: string
  /** Within the registry: team/sam-lite. */
  repository: string
  /** Host and repository. */
  repositoryUri: string
  tag?: string
  digest?: string
  /** Where the registry is Amazon ECR (private). */
  ecr?: { registryId: string; region: string }
}

const HOST = `(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?)(?::[0-9]{1,5})?`
const REPOSITORY = String.raw`[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*`
const REFERENCE = new RegExp(
  String.raw`^(${HOST})\/(${REPOSITORY})(?::([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(sha256:[a-f0-9]{64}))?$`,
)
const ECR = /^(\d{12})\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/

/**
 * Takes `<host>/<repository>`, then `:<tag>`, `@sha256:<digest>`, both or neither, apart; undefined for anything else. The host is never left out:
 * what a bare name stands for differs from tool to tool.
 */
export function parseReference(image: string): ImageReference | undefined {
  const parts = REFERENCE.exec(image)
  if (!parts) return undefined
  const [, host = '', repository = '', tag, digest] = parts
  if (!/[.:]/.test(host) && host !== 'localhost') return undefined
  const [, registryId, region] = ECR.exec(host) ?? []
  return {
    host,
    repository,
    repositoryUri: `${host}/${repository}`,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
    ...(registryId && region ? { ecr: { registryId, region } } : {}),
  }
}
