import { type ExecFileException, execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ava from 'ava'
import { parse, parseAllDocuments, stringify } from 'yaml'
import { KINDS } from '../../operator/api/definition.ts'
import { readConfig } from '../../operator/config.ts'
import { testCluster } from '../kubernetes.ts'
import { obtainable, resolveTool } from '../tools.ts'
import { SCHEMA_LOCATION, writeSchemas } from './schemas.ts'

const REPOSITORY = join(import.meta.dirname, '..', '..')
const CHART = join(REPOSITORY, 'charts', 'mooring')

/** The groups of everything that the chart renders. */
const GROUPS = [
  'api/v1',
  'apis/apps/v1',
  'apis/policy/v1',
  'apis/rbac.authorization.k8s.io/v1',
  'apis/apiextensions.k8s.io/v1',
]

/** Sets of values that together render every line of every template. */
const VALUES: Record<string, object> = {
  'its defaults': {},
  'everything turned on': {
    replicas: 3,
    watchNamespace: 'vision',
    image: { repository: 'registry.example/mooring-operator', digest: `sha256:${'0'.repeat(64)}` },
    orphans: { mode: 'delete', regions: ['us-east-1', 'eu-west-1'] },
    aws: {
      rates: { 'sagemaker-read': 10, cloudwatch: 0.5 },
      eventQueue: { url: 'https://sqs.eu-west-1.amazonaws.com/123456789012/mooring', region: 'eu-west-1' },
    },
    defaultTags: { 'cost-center': '42', team: 'vision' },
    imagePullSecrets: [{ name: 'registry' }],
    serviceAccount: { annotations: { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::123456789012:role/mooring' } },
    operator: { env: [{ name: 'MOORING_POLL_SETTLED_SECONDS', value: '60' }] },
    prices: { 'eu-west-3': { 'ml.g6.xlarge': 1.4302 } },
    priceList: true,
    approved: { default: { roles: ['*'] }, namespaces: { vision: { buckets: ['vision-*'] } } },
    plainHttpRegistries: ['registry.internal:5000'],
    rbac: { pullSecrets: true },
    contractTest: { enabled: true },
    podAnnotations: { note: 'a' },
    podLabels: { team: 'vision' },
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    tolerations: [{ key: 'spot', operator: 'Exists' }],
    affinity: { nodeAffinity: {} },
    priorityClassName: 'system-cluster-critical',
  },
  'everything turned off': {
    clusterId: 'vision-production',
    crds: { install: false },
    serviceAccount: { create: false, name: 'existing' },
    rbac: { configMaps: false },
    leaderElection: { enabled: false },
  },
}

type Rendered = { kind: string; metadata: { name: string; [key: string]: unknown }; [key: string]: unknown }

const cluster = testCluster()

/** A laptop without Helm, kubeconform and Go shows these tests as skipped; continuous integration must have them. */
const able = process.env.CI !== undefined || ((await obtainable('helm')) && (await obtainable('kubeconform')))
const test = able ? ava : ava.skip

let schemas = ''

ava.before('find helm and kubeconform, or build them once, and take down the schemas', async (t) => {
  if (!able) return t.log('skipped: no helm and kubeconform on PATH, and no Go to build them with')
  t.timeout(20 * 60_000)
  await resolveTool('helm')
  await resolveTool('kubeconform')
  schemas = await mkdtemp(join(tmpdir(), 'mooring-schemas-'))
  await writeSchemas(schemas, GROUPS, (path) => cluster.kubectl('get', '--raw', path))
})

ava.after.always('put the schemas away', () => (schemas ? rm(schemas, { recursive: true, force: true }) : undefined))

/** Runs to the end; a refusal is an answer here. */
async function call(file: string, args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) =>
    execFile(file, args, { maxBuffer: 64 * 1024 * 1024 }, (error: ExecFileException | null, stdout, stderr) => {
      if (error && typeof error.code !== 'number') reject(error)
      else resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr })
    }),
  )
}

async function folder(t: { teardown(fn: () => Promise<void>): void }): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'mooring-chart-'))
  t.teardown(() => rm(path, { recursive: true, force: true }))
  return path
}

async function helm(
  t: { teardown(fn: () => Promise<void>): void },
  command: 'lint' | 'template',
  values: object,
  release = 'mooring',
  namespace = 'mooring-system',
): Promise<{ code: number; output: string }> {
  const file = join(await folder(t), 'values.yaml')
  await writeFile(file, stringify(values))
  const common = ['--values', file, '--namespace', namespace, '--kube-version', '1.36.0']
  const args = command === 'lint' ? ['lint', '--strict', CHART] : ['template', release, CHART]
  return call(await resolveTool('helm'), [...args, ...common])
}

function documents(output: string): Rendered[] {
  return parseAllDocuments(output).flatMap((document) => (document.toJS() as Rendered | null) ?? [])
}

for (const [title, values] of Object.entries(VALUES)) {
  test(`helm lint --strict accepts the chart with ${title}`, async (t) => {
    const { code, output } = await helm(t, 'lint', values)
    t.is(code, 0, output)
  })

  test(`kubeconform accepts what the chart renders with ${title}, by the API server's own schemas`, async (t) => {
    const manifest = join(await folder(t), 'rendered.yaml')
    await writeFile(manifest, (await helm(t, 'template', values)).output)

    const { code, output } = await kubeconform(manifest)

    t.is(code, 0, output)
    t.regex(output, /Invalid: 0, Errors: 0, Skipped: 0/)
    t.notRegex(output, /Valid: 0/)
  })
}

test('kubeconform refuses a misspelt field in what the chart renders, so it does look', async (t) => {
  const manifest = join(await folder(t), 'rendered.yaml')
  const { output: rendered } = await helm(t, 'template', {})
  t.true(rendered.includes('readinessProbe'))
  await writeFile(manifest, rendered.replaceAll('readinessProbe', 'readynessProbe'))

  const { code, output } = await kubeconform(manifest)

  t.is(code, 1)
  t.regex(output, /readynessProbe/)
})

async function kubeconform(manifest: string) {
  return call(await resolveTool('kubeconform'), [
    '-strict',
    '-summary',
    '-schema-location',
    join(schemas, SCHEMA_LOCATION),
    manifest,
  ])
}

test('the chart installs the very definitions of crds/, kept when the release goes', async (t) => {
  const { output } = await helm(t, 'template', {})

  const definitions = documents(output).filter(({ kind }) => kind === 'CustomResourceDefinition')
  t.is(definitions.length, KINDS.length)
  for (const { names } of KINDS) {
    const source = parse(await readFile(join(REPOSITORY, 'crds', `${names.group}_${names.plural}.yaml`), 'utf8'))
    source.metadata.annotations = { 'helm.sh/resource-policy': 'keep' }
    t.deepEqual(
      definitions.find(({ metadata }) => metadata.name === source.metadata.name),
      source,
    )
  }
})

test('the operator understands the environment that the chart gives it', async (t) => {
  const { output } = await helm(t, 'template', VALUES['everything turned on'] ?? {})
  const deployment = documents(output).find(({ kind }) => kind === 'Deployment')
  if (!deployment) return t.fail('no Deployment')
  const { containers } = (deployment.spec as { template: { spec: { containers: Container[] } } }).template.spec
  const environment = Object.fromEntries((containers[0]?.env ?? []).map(({ name, value }) => [name, value]))
  t.like(readConfig(environment), {
    namespace: 'vision',
    clusterId: undefined,
    orphans: { mode: 'delete', interval: 3_600_000, regions: ['us-east-1', 'eu-west-1'] },
    contractTest: { image: `registry.example/mooring-operator@sha256:${'0'.repeat(64)}`, pullPolicy: 'IfNotPresent' },
    defaultTags: [
      { Key: 'cost-center', Value: '42' },
      { Key: 'team', Value: 'vision' },
    ],
  })
})

type Container = { env?: { name: string; value: string }[] }

test('the definitions are left out where they are managed elsewhere, and can be let go with the release', async (t) => {
  const none = documents((await helm(t, 'template', { crds: { install: false } })).output)
  const loose = documents((await helm(t, 'template', { crds: { keep: false } })).output)

  t.false(none.some(({ kind }) => kind === 'CustomResourceDefinition'))
  const definitions = loose.filter(({ kind }) => kind === 'CustomResourceDefinition')
  t.is(definitions.length, KINDS.length)
  t.true(definitions.every(({ metadata }) => metadata.annotations === undefined))
})

for (const [title, values, says] of [
  ['no replicas', { replicas: 0 }, /replicas.*minimum|replicas.*greater than or equal to 1/i],
  ['a value that does not exist', { replicaCount: 2 }, /replicaCount/],
  ['a digest that is cut short', { image: { digest: 'sha256:abc' } }, /digest/],
  [
    'replicas that would all act at once',
    { replicas: 2, leaderElection: { enabled: false } },
    /leaderElection\.enabled/,
  ],
  ['no account at all', { serviceAccount: { create: false } }, /serviceAccount\.name/],
] as const)
  test(`${title} is refused by name`, async (t) => {
    const { code, output } = await helm(t, 'template', values)
    t.not(code, 0)
    t.regex(output, says)
  })

test('the pod passes the restricted Pod Security Standard, enforced by the API server', async (t) => {
  const namespace = await cluster.namespace('restricted')
  await cluster.kubectl('label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted')
  const deployment = documents((await helm(t, 'template', {})).output).find(({ kind }) => kind === 'Deployment')
  if (!deployment) return t.fail('no Deployment')
  const template = (deployment.spec as { template: { spec: PodSpec } }).template.spec
  const dir = await folder(t)
  const apply = async (spec: PodSpec) => {
    const file = join(dir, 'pod.yaml')
    await writeFile(file, stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'operator', namespace }, spec }))
    return cluster.kubectl('create', '--dry-run=server', '-o', 'name', '-f', file)
  }

  t.is((await apply(template)).trim(), 'pod/operator')
  await t.throwsAsync(() => apply({ ...template, securityContext: {} }), {
    message: /violates PodSecurity "restricted/,
  })
})

type PodSpec = { securityContext: object; [field: string]: unknown }

/** What the operator asks of the API server, and what it must never be able to ask. */
const ALLOWED = [
  ['get', 'asyncinferenceendpoints.mooring.dev'],
  ['list', 'modelimages.mooring.dev'],
  ['watch', 'asyncinferenceendpoints.mooring.dev'],
  ['patch', 'asyncinferenceendpoints.mooring.dev'],
  ['patch', 'asyncinferenceendpoints.mooring.dev/status'],
  ['create', 'events.events.k8s.io'],
  ['get', 'configmaps'],
] as const
const FORBIDDEN = [
  ['get', 'secrets'],
  ['list', 'secrets'],
  ['list', 'configmaps'],
  ['create', 'pods'],
  ['create', 'jobs.batch'],
  ['list', 'pods'],
  ['get', 'pods/log'],
  ['delete', 'asyncinferenceendpoints.mooring.dev'],
  ['create', 'modelimages.mooring.dev'],
  ['patch', 'customresourcedefinitions.apiextensions.k8s.io'],
  ['create', 'clusterrolebindings.rbac.authorization.k8s.io'],
] as const

/** What contract tests take besides. */
const ALLOWED_FOR_CONTRACT_TESTS = [
  ['get', 'jobs.batch'],
  ['create', 'jobs.batch'],
  ['delete', 'jobs.batch'],
  ['get', 'networkpolicies.networking.k8s.io'],
  ['create', 'networkpolicies.networking.k8s.io'],
  ['delete', 'networkpolicies.networking.k8s.io'],
  ['list', 'pods'],
  ['get', 'pods/log'],
] as const
const FORBIDDEN_TO_CONTRACT_TESTS = [
  ['list', 'jobs.batch'],
  ['patch', 'jobs.batch'],
  ['create', 'pods'],
  ['delete', 'pods'],
  ['create', 'pods/exec'],
  ['get', 'secrets'],
  ['create', 'configmaps'],
] as const

for (const enabled of [true, false])
  test(`with contract tests ${enabled ? 'on, the account may run Jobs and read what came of them, and no more' : 'off, which is the default, it may do nothing of the kind'}`, async (t) => {
    const [home, watched] = await Promise.all(['home', 'watched'].map((name) => cluster.namespace(name)))
    if (!home || !watched) return t.fail()
    const release = `mooring-${randomBytes(4).toString('hex')}`
    const values = {
      crds: { install: false },
      watchNamespace: watched,
      ...(enabled ? { contractTest: { enabled } } : {}),
    }
    const file = join(await folder(t), 'rendered.yaml')
    await writeFile(file, (await helm(t, 'template', values, release, home)).output)
    await cluster.kubectl('apply', '--server-side', '-f', file)
    t.teardown(async () => {
      await cluster.kubectl('delete', '--ignore-not-found', '-f', file)
    })
    const may = async ([verb, resource]: readonly [string, string]) => {
      const [name = '', subresource] = resource.split('/')
      const options = subresource ? [`--subresource=${subresource}`] : []
      const account = `--as=system:serviceaccount:${home}:${release}`
      const answer = cluster.kubectl('auth', 'can-i', verb, name, ...options, '-n', watched, account)
      return (await answer.catch((error: { stdout?: string }) => error.stdout ?? String(error))).trim()
    }
    for (const each of ALLOWED_FOR_CONTRACT_TESTS) t.is(await may(each), enabled ? 'yes' : 'no', each.join(' '))
    for (const each of FORBIDDEN_TO_CONTRACT_TESTS) t.is(await may(each), 'no', each.join(' '))
  })

for (const scope of ['the whole cluster', 'one namespace'] as const)
  test(`installed for ${scope}, the operator's account may do its work there and nothing else`, async (t) => {
    const [home, watched, other] = await Promise.all(
      ['home', 'watched', 'other'].map((name) => cluster.namespace(name)),
    )
    if (!home || !watched || !other) return t.fail()
    const release = `mooring-${randomBytes(4).toString('hex')}`
    const values = { crds: { install: false }, ...(scope === 'one namespace' ? { watchNamespace: watched } : {}) }
    const file = join(await folder(t), 'rendered.yaml')
    await writeFile(file, (await helm(t, 'template', values, release, home)).output)
    await cluster.kubectl('apply', '--server-side', '-f', file)
    t.teardown(async () => {
      await cluster.kubectl('delete', '--ignore-not-found', '-f', file)
    })
    const may = async (verb: string, resource: string, namespace: string) => {
      const [name = '', subresource] = resource.split('/')
      const account = `--as=system:serviceaccount:${home}:${release}`
      const options = subresource ? [`--subresource=${subresource}`] : []
      // `can-i` answers no by its exit status too.
      const answer = cluster.kubectl('auth', 'can-i', verb, name, ...options, '-n', namespace, account)
      return (await answer.catch((error: { stdout?: string }) => error.stdout ?? String(error))).trim()
    }

    const mayGet = async (name: string) => {
      const account = `--as=system:serviceaccount:${home}:${release}`
      const answer = cluster.kubectl('auth', 'can-i', 'get', `namespaces/${name}`, account)
      return (await answer.catch((error: { stdout?: string }) => error.stdout ?? String(error))).trim()
    }

    for (const [verb, resource] of ALLOWED) {
      t.is(await may(verb, resource, watched), 'yes', `${verb} ${resource}`)
      t.is(await may(verb, resource, other), scope === 'one namespace' ? 'no' : 'yes', `${verb} ${resource} elsewhere`)
    }
    for (const [verb, resource] of FORBIDDEN) t.is(await may(verb, resource, watched), 'no', `${verb} ${resource}`)
    t.is(await mayGet('kube-system'), 'yes', 'its UID stands for the cluster')
    t.is(await mayGet('default'), 'no')
    t.is(await may('update', 'leases.coordination.k8s.io', home), 'yes')
    t.is(await may('update', 'leases.coordination.k8s.io', watched), 'no')
  })
