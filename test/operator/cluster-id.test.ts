import test from 'ava'
import { clusterIdOf } from '../../operator/cluster-id.ts'
import { connect } from '../../operator/kube/client.ts'
import { KubeError } from '../../operator/kube/errors.ts'
import { testCluster } from '../kubernetes.ts'

const kube = connect({ kubeconfigPath: testCluster().kubeconfigPath })

const refusing = (error: Error) => ({ get: () => Promise.reject(error) })

test('a configured id is taken as it is, without a look at the cluster', async (t) => {
  t.is(await clusterIdOf(refusing(new Error('asked')), 'vision-production'), 'vision-production')
})

test('a cluster is told by the UID of its namespace kube-system', async (t) => {
  const uid = await testCluster().kubectl('get', 'namespace', 'kube-system', '-o', 'jsonpath={.metadata.uid}')
  t.regex(uid, /^[0-9a-f-]{36}$/)
  t.is(await clusterIdOf(kube, undefined), uid)
})

test('an operator that may not know its cluster says what to do instead of guessing', async (t) => {
  const forbidden = new KubeError(403, 'Forbidden', 'namespaces "kube-system" is forbidden: User "x" cannot get it')
  const error = await t.throwsAsync(() => clusterIdOf(refusing(forbidden), undefined))
  t.regex(error.message, /Set MOORING_CLUSTER_ID .* or let the operator get the namespace kube-system/)
  t.regex(error.message, /is forbidden/)
})
