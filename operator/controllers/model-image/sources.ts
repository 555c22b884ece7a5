import { ImageError } from '../../images/errors.ts'
import type { ImageSource } from '../../images/source.ts'
import type { Providers } from '../../providers/region.ts'
import type { Approved } from '../approved.ts'
import type { Sources } from './find.ts'

export type SourcesDependencies = {
  approved: Approved
  /** Amazon ECR in one region. */
  providers(region: string): Pick<Providers, 'images'>
}

/** Where images are read from: Amazon ECR with the operator's own role, other registries with the object's pull secrets. */
export function sources({ approved, providers }: SourcesDependencies): Sources {
  return {
    async sourceOf(reference, namespace): Promise<ImageSource> {
      const { repositoryUri, ecr, host } = reference
      if (!approved.allows(namespace, 'repositories', repositoryUri))
        throw new ImageError(
          'RepositoryNotApproved',
          `Use a repository that is approved for this namespace instead of ${repositoryUri.slice(0, 120)}, or ask whoever runs the operator to approve it (chart value approved).`,
        )
      if (ecr) return providers(ecr.region).images(reference)
      throw new ImageError('RegistryDenied', `${host} is no registry that can be read.`)
    },
  }
}
