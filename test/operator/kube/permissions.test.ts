import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { parse, stringify } from 'yaml'
import { MODEL_IMAGES } from '../../../operator/api/names.ts'
import { connect, type KubeClient } from '../../../operator/kube/client.ts'
import { isNotFound, KubeError } from '../../../operator/kube/errors.ts'
import { addFinalizer } from '../../../operator/kube/finalizer.ts'
import { informer } from '../../../operator/kube/informer.ts'
import { leaderElection } from '../../../operator/kube/leader-election.ts'
import type { Log } from '../../../operator/kube/log.ts'
import { recorder } from '../../../operator/kube/recorder.ts'
import { patchStatusIfChanged } from '../../../operator/kube/status.ts'
import type { KubeObject, ResourceType } from '../../../operator/kube/types.ts'
import { testCluster } from '../../kubernetes.ts'
import { CONFIG_MAPS, eventually } from './support.ts'

const cluster = testCluster()
const admin = connect({ kubeconfigPath: cluster.kubeconfigPath })

type Permission = { group: string; resource: string; verb: string }

const permissions = (group: string, resource: string, verbs: string[]): Permission[] =>
  verbs.map((verb) => ({ group, resource, verb }))

/** The table of operator/kube/README.md, for one kind. */
const NEEDED = [
  ...permissions('mooring.dev', 'modelimages', ['list', 'watch', 'patch']),
  ...permissions('mooring.dev', 'modelimages/status', ['patch']),
  ...permissions('events.k8s.io', 'events', ['create']),
  ...permissions('coordination.k8s.io', 'leases', ['get', 'create', 'update']),
]

const rbac = (plural: string, kind: string): ResourceType => ({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  plural,
  kind,
  namespaced: true,
})

/** A client that may do in the namespace what is given, and nothing else. */
async function limited(namespace: string, allowed: Permission[]): Promise<KubeClient> {
  const user = `test-${randomUUID()}`
  // One more, to learn when the API server's authorizer has heard of the role.
  const all = [...allowed, { group: '', resource: 'configmaps', verb: 'get' }]
  const role = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: 'operator' },
    rules: all.map(({ group, resource, verb }) => ({ apiGroups: [group], resources: [resource], verbs: [verb] })),
  }
  const binding = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: 'operator' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'operator' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
  }
  await admin.create(rbac('roles', 'Role'), role, namespace)
  await admin.create(rbac('rolebindings', 'RoleBinding'), binding, namespace)
  const kubeconfig = parse(await readFile(cluster.kubeconfigPath, 'utf8'))
  for (const { user: credentials } of kubeconfig.users) credentials.as = user
  const kubeconfigPath = join(tmpdir(), `mooring-${user}`)
  await writeFile(kubeconfigPath, stringify(kubeconfig), { mode: 0o600 })
  const client = connect({ kubeconfigPath })
  await eventually('the role counts', () =>
    client.get(CONFIG_MAPS, { namespace, name: 'none' }).then(() => true, isNotFound),
  )
  return client
}

const image = (name: string) => ({
  apiVersion: 'mooring.dev/v1alpha1',
  kind: 'ModelImage',
  metadata: { name },
  spec: { image: '123456789012.dkr.ecr.us-east-1.amazonaws.com/x:1' },
})

/** Uses every part of operator/kube once, and answers what the API server refused. */
async function everything(client: KubeClient, namespace: string): Promise<string[]> {
  const refusals: string[] = []
  const refused = (error: unknown) => {
    if (!(error instanceof KubeError) || error.code !== 403) throw error
    refusals.push(error.message)
  }
  const log: Log = {
    info: () => {},
    warn: (fields) => refused((fields as { err: unknown }).err),
    error: () => {},
  }
  const object = await admin.create<KubeObject>(MODEL_IMAGES, image('first') as KubeObject, namespace)

  const images = informer({ client, resource: MODEL_IMAGES, namespace, log })
  images.start()
  await eventually('the list', () => images.synced() || refusals.length > 0)
  await admin.create(MODEL_IMAGES, image('second'), namespace)
  await eventually('the watch', () => images.get(`${namespace}/second`) !== undefined || refusals.length > 0)
  await images.stop()

  await addFinalizer(client, MODEL_IMAGES, object, 'mooring.dev/test').catch(refused)
  const newest = await admin.get(MODEL_IMAGES, { namespace, name: 'first' })
  await patchStatusIfChanged(client, MODEL_IMAGES, {}, { ...newest, status: { sizeBytes: 1 } }).catch(refused)

  const events = recorder({ client, component: 'mooring.dev/operator', instance: 'test', log })
  events.event(object, 'Normal', 'Tested', 'it was')
  await events.flush()

  const election = leaderElection({ client, namespace, name: 'lease', identity: 'test', log, onLost: () => {} })
  const giveUp = new AbortController()
  const acquired = election.acquire(giveUp.signal).then(
    () => true,
    () => false,
  )
  await eventually('the lease', async () => refusals.length > 0 || (await Promise.race([acquired, false])))
  giveUp.abort()
  await acquired
  // Giving it back is an update.
  await election.release()
  return refusals
}

test('the permissions that the documentation names suffice', async (t) => {
  const namespace = await cluster.namespace()
  const client = await limited(namespace, NEEDED)
  t.deepEqual(await everything(client, namespace), [])
})

for (const missing of NEEDED) {
  test(`without the permission to ${missing.verb} ${missing.resource} something is refused`, async (t) => {
    const namespace = await cluster.namespace()
    const client = await limited(
      namespace,
      NEEDED.filter((permission) => permission !== missing),
    )
    const refusals = await everything(client, namespace)
    t.true(refusals.length > 0)
    const expected = `cannot ${missing.verb} resource "${missing.resource}"`
    t.deepEqual(
      refusals.filter((message) => !message.includes(expected)),
      [],
    )
  })
}
