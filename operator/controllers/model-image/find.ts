import { maxSatisfying, valid, validRange } from 'semver'
import { UPDATE_MODES } from '../../api/model-image.ts'
import { ImageError } from '../../images/errors.ts'
import { readManifest, type VerifiedManifest } from '../../images/manifest.ts'
import { type ImageReference, parseReference } from '../../images/reference.ts'
import type { ImageSource } from '../../images/source.ts'
import type { ImagePass } from './pass.ts'

/** What the reference stands for at this moment. */
export type Found = { source: ImageSource; tag?: string; manifest: VerifiedManifest }

export type Sources = {
  /** @throws ImageError where the namespace may not use the repository, or a pull secret is missing */
  sourceOf(
    reference: ImageReference,
    namespace: string,
    pullSecrets: string[],
    signal: AbortSignal,
  ): Promise<ImageSource>
}

/**
 * Looks what is behind the reference: one request, and a list of tags where a range of versions chooses among them.
 * @throws ImageError when it is no image; errors of network and AWS, which may pass
 */
export async function find({ object, spec, signal }: ImagePass, { sourceOf }: Sources): Promise<Found> {
  const reference = parseReference(spec.image)
  if (!reference)
    throw new ImageError(
      'ImageInvalid',
      'spec.image is no image reference: write <registry>/<repository>:<tag>, or @sha256:<digest> in place of the tag.',
    )
  const secrets = (spec.imagePullSecrets ?? []).map(({ name }) => name)
  const source = await sourceOf(reference, object.metadata.namespace ?? '', secrets, signal)
  const { digest } = reference
  const tag = byRange(spec.update) ? await newest(source, spec.update, signal) : reference.tag
  const manifest = await readManifest(source, digest ?? tag ?? '', signal)
  if (!manifest)
    throw new ImageError(
      'ImageNotFound',
      `There is no image ${nameOf(reference, tag)} in ${registryOf(reference)}: push it, or correct spec.image. Mooring looks again by itself.`,
    )
  return { source, manifest, ...(tag === undefined ? {} : { tag }) }
}

/** Whether spec.update chooses among tags. */
export function byRange(update: string): boolean {
  return !(UPDATE_MODES as readonly string[]).includes(update)
}

/** The tag with the highest version in the range. Tags that are no versions are passed over; those of pre-releases too, unless asked for. */
async function newest(source: ImageSource, range: string, signal: AbortSignal): Promise<string> {
  if (validRange(range) === null)
    throw new ImageError(
      'VersionRangeInvalid',
      `spec.update '${range}' is no range of versions: write one such as '^1.4' or '>=2.0.0 <3.0.0', Automatic or Manual.`,
    )
  const tags = await source.tags(signal)
  const best = maxSatisfying(
    tags.filter((tag) => valid(tag) !== null),
    range,
  )
  if (best !== null) return best
  throw new ImageError(
    'NoMatchingTag',
    `None of the ${tags.length} tags of ${source.repositoryUri.slice(0, 120)} is a version in '${range}': push one such as 1.4.0, or change spec.update.`,
  )
}

function nameOf({ repository, digest }: ImageReference, tag: string | undefined): string {
  return `${repository.slice(0, 100)}${digest ? `@${digest}` : `:${tag}`}`
}

function registryOf({ host, ecr }: ImageReference): string {
  return ecr ? `account ${ecr.registryId}` : host.slice(0, 60)
}
