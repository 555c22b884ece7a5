import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { parse, stringify } from 'yaml'
import { connect, type KubeClient } from '../../../../../operator/kube/client.ts'
import type { ResourceType } from '../../../../../operator/kube/types.ts'
import { testCluster } from '../../../../kubernetes.ts'
import { eventually } from '../../../kube/support.ts'
import { GOOD, POD, type Stage, stage } from './stage.ts'

type Rule = { apiGroups: string[]; resources: string[]; verbs: string[] }
const RBAC = join(import.meta.dirname, '..', '..', '..', '..', '..', 'charts', 'mooring', 'templates', 'rbac.yaml')

/** What the chart grants where contract tests are on, read from its template. */
async function granted(): Promise<Rule[]> {
  const template = await readFile(RBAC, 'utf8')
  const [, block = ''] = /\{\{- if \.Values\.contractTest\.enabled \}\}\n(.*?)\{\{- end \}\}/s.exec(template) ?? []
  return parse(block)
}

/** A client that may do in the namespace what the rules say, and nothing else. */
async function limited({ kube, namespace }: Stage, rules: Rule[]): Promise<KubeClient> {
  const user = `test-${randomUUID()}`
  const rbac = (plural: string, kind: string): ResourceType => ({
    group: 'rbac.authorization.k8s.io',
    version: 'v1',
    plural,
    kind,
    namespaced: true,
  })
  const metadata = { name: 'contract-tests' }
  const apiVersion = 'rbac.authorization.k8s.io/v1'
  await kube.create(rbac('roles', 'Role'), { apiVersion, kind: 'Role', metadata, rules }, namespace)
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: metadata.name }
  const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }]
  await kube.create(
    rbac('rolebindings', 'RoleBinding'),
    { apiVersion, kind: 'RoleBinding', metadata, roleRef, subjects },
    namespace,
  )
  const kubeconfig = parse(await readFile(testCluster().kubeconfigPath, 'utf8'))
  for (const { user: credentials } of kubeconfig.users) credentials.as = user
  const kubeconfigPath = join(tmpdir(), `mooring-${user}`)
  await writeFile(kubeconfigPath, stringify(kubeconfig), { mode: 0o600 })
  return connect({ kubeconfigPath })
}

test("the chart's permissions suffice for a test from its beginning to its end", async (t) => {
  const { pass, passes, kubelet, jobs, ...rest } = await stage()
  const kube = await limited({ pass, passes, kubelet, jobs, ...rest }, await granted())
  // The authorizer hears of a role after a moment.
  await eventually(
    'the role counts',
    async () => (await passes({ kube })).reason === 'ContractTestPending' && (await jobs()).length === 1,
  )
  await kubelet(POD.ended(GOOD, 0))
  t.like(await passes({ kube }), { state: 'passed' })
  t.deepEqual(await jobs(), [])
})

test('the template grants something, of which nothing is to spare: each verb is asked for', async (t) => {
  const verbs = (await granted()).flatMap(({ resources, verbs: list }) =>
    resources.flatMap((resource) => list.map((verb) => `${verb} ${resource}`)),
  )
  t.deepEqual(verbs.toSorted(), [
    'create jobs',
    'create networkpolicies',
    'delete jobs',
    'delete networkpolicies',
    'get jobs',
    'get networkpolicies',
    'get pods/log',
    'list pods',
  ])
})
