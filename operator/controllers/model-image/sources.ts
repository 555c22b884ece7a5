import { ImageError } from '../../images/errors.ts'
import type { Fetch } from '../../images/oci/fetch.ts'
import { credentialsFor } from '../../images/oci/pull-secret.ts'
import { ociSource } from '../../images/oci/source.ts'
import type { KubeClient } from '../../kube/client.ts'
import { KubeError } from '../../kube/errors.ts'
import type { KubeObject, ResourceType } from '../../kube/types.ts'
import type { Providers } from '../../providers/region.ts'
import type { Approved } from '../approved.ts'
import type { Sources } from './find.ts'

export type SourcesDependencies = {
  kube: KubeClient
  approved: Approved
  /** Amazon ECR in one region. */
  providers(region: string): Pick<Providers, 'images'>
  /** For registries other than Amazon ECR. */
  fetch: Fetch
  /** Registries that are spoken to without TLS. */
  plainHttp: readonly string[]
  now: () => number
}

type Secret = KubeObject & { data?: Record<string, string> }

const SECRETS: ResourceType = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true }
/** The key in a Secret of type kubernetes.io/dockerconfigjson. */
const KEY = '.dockerconfigjson'

/** Where images are read from: Amazon ECR with the operator's own role, other registries with the object's pull secrets. */
export function sources({ kube, approved, providers, fetch, plainHttp, now }: SourcesDependencies): Sources {
  const pullSecret = async (namespace: string, name: string): Promise<string> => {
    const secret = await kube.get<Secret>(SECRETS, { namespace, name }).catch((error: unknown) => {
      if (!(error instanceof KubeError) || ![403, 404].includes(error.code)) throw error
      const remedy =
        error.code === 404
          ? 'There is none in this namespace: create it with kubectl create secret docker-registry.'
          : 'The operator may not read it: install its chart with rbac.pullSecrets: true.'
      throw new ImageError('PullSecretMissing', `Pull secret ${name}: ${remedy}`)
    })
    const config = secret.data?.[KEY]
    if (config !== undefined) return Buffer.from(config, 'base64').toString('utf8')
    throw new ImageError(
      'PullSecretMissing',
      `Pull secret ${name} is not of type kubernetes.io/dockerconfigjson: create it with kubectl create secret docker-registry.`,
    )
  }

  return {
    async sourceOf(reference, namespace, pullSecrets) {
      const { repositoryUri, ecr } = reference
      if (!approved.allows(namespace, 'repositories', repositoryUri))
        throw new ImageError(
          'RepositoryNotApproved',
          `Use a repository that is approved for this namespace instead of ${repositoryUri.slice(0, 120)}, or ask whoever runs the operator to approve it (chart value approved).`,
        )
      if (ecr) return providers(ecr.region).images(reference)
      const configs = await Promise.all(pullSecrets.map((name) => pullSecret(namespace, name)))
      return ociSource({ reference, credentials: credentialsFor(repositoryUri, configs), fetch, now, plainHttp })
    },
  }
}
