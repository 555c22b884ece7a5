import { ECR } from '@aws-sdk/client-ecr'
import { registryFetch } from '../operator/images/oci/fetch.ts'
import { ociSource } from '../operator/images/oci/source.ts'
import type { ImageReference } from '../operator/images/reference.ts'
import type { ImageSource } from '../operator/images/source.ts'
import { ecrSource } from '../operator/providers/ecr-source.ts'
import { dockerCredentials } from './docker-config.ts'

export type OpenSource = { source: ImageSource; close(): Promise<void> }

/**
 * Where an image is read from: Amazon ECR by the AWS SDK, with the credentials that it finds; any other registry with those of `docker login`.
 * @param plainHttp without TLS: whoever listens on the way reads the password
 */
export async function imageSource(reference: ImageReference, plainHttp: boolean): Promise<OpenSource> {
  const { ecr, host, repositoryUri } = reference
  const get = registryFetch()
  if (ecr) {
    const client = new ECR({ region: ecr.region })
    return {
      source: ecrSource(client, reference, get, Date.now),
      close: async () => {
        client.destroy()
        await get.close()
      },
    }
  }
  const credentials = await dockerCredentials(host, repositoryUri)
  const source = ociSource({
    reference,
    fetch: get,
    now: Date.now,
    ...(credentials ? { credentials } : {}),
    ...(plainHttp ? { plainHttp: [host] } : {}),
  })
  return { source, close: () => get.close() }
}
