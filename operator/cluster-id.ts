import type { KubeClient } from './kube/client.ts'
import type { ResourceType } from './kube/types.ts'

const NAMESPACES: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'namespaces',
  kind: 'Namespace',
  namespaced: false,
}

/**
 * What tells this cluster's resources from another's in the same AWS account: the configured id, else the UID of the namespace
 * kube-system, which every cluster has, which lives as long as the cluster, and which no two clusters share.
 * @throws Error that says what to do: an operator that does not know its cluster could take another's endpoints for its own
 */
export async function clusterIdOf(kube: Pick<KubeClient, 'get'>, configured: string | undefined): Promise<string> {
  if (configured) return configured
  try {
    const { uid } = (await kube.get(NAMESPACES, { name: 'kube-system' })).metadata
    if (uid) return uid
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`${remedy} ${why}`, { cause })
  }
  throw new Error(`${remedy} It has no UID.`)
}

const remedy =
  'Set MOORING_CLUSTER_ID (chart value clusterId) to an id that no other cluster of the AWS account has, or let the operator get the namespace kube-system, whose UID stands for the cluster.'
