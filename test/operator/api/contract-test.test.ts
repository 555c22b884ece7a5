import test from 'ava'
import { contractTest } from '../../../operator/api/contract-test.ts'
import { type Manifest, testCluster } from '../../kubernetes.ts'
import { aModelImage, withField } from './manifests.ts'

const cluster = testCluster()
const INPUT = { inline: '{}' }

/** What is wrong with spec.contractTest, and what the refusal must hold. */
const MISTAKES: [title: string, contractTest: object, says: RegExp][] = [
  [
    'a ping limit beyond the whole',
    { pingTimeoutSeconds: 100, timeoutSeconds: 60 },
    /pingTimeoutSeconds.*must not exceed timeoutSeconds/,
  ],
  [
    'an invocation without an input',
    { invocations: [{ name: 'a', input: {} }] },
    /needs exactly one of inline, base64 and configMapKeyRef/,
  ],
  [
    'an invocation with two inputs',
    { invocations: [{ name: 'a', input: { inline: '', base64: '' } }] },
    /needs exactly one of inline/,
  ],
  [
    'an input that is no base64',
    { invocations: [{ name: 'a', input: { base64: 'a b' } }] },
    /must be base64 with its padding/,
  ],
  [
    'an input of umlauts that is too large',
    { invocations: [{ name: 'a', input: { inline: 'ü'.repeat(9000) } }] },
    /16,384 bytes: put a larger body into a ConfigMap/,
  ],
  [
    'two invocations of one name',
    {
      invocations: [
        { name: 'a', input: INPUT },
        { name: 'a', input: INPUT },
      ],
    },
    /Duplicate value/,
  ],
  [
    'a path that is none',
    { invocations: [{ name: 'a', path: 'invocations', input: INPUT }] },
    /must be a path that starts with \//,
  ],
  ['a status that is none', { invocations: [{ name: 'a', input: INPUT, expect: { status: 42 } }] }, /expect\.status/],
  [
    'bytes that contradict each other',
    { invocations: [{ name: 'a', input: INPUT, expect: { minBytes: 2, maxBytes: 1 } }] },
    /minBytes.*must not exceed maxBytes/,
  ],
  [
    'a JSONPath with a filter',
    { invocations: [{ name: 'a', input: INPUT, expect: { jsonPath: [{ path: '$[?(@.a)]' }] } }] },
    /must be a JSONPath that starts with \$/,
  ],
  [
    'both an empty folder and a volume',
    { modelData: { empty: true, persistentVolumeClaim: { claimName: 'a' } } },
    /needs exactly one of persistentVolumeClaim and empty/,
  ],
  [
    'a folder that is not even empty',
    { modelData: { empty: false } },
    /needs exactly one of persistentVolumeClaim and empty/,
  ],
  [
    'a way out of the volume',
    { modelData: { persistentVolumeClaim: { claimName: 'a', subPath: 'x/../..' } } },
    /must be a path inside the volume/,
  ],
  ['a variable with a dash', { environment: { 'MY-VAR': '1' } }, /names of variables may hold letters, digits and _/],
  ['a negative quantity', { resources: { limits: { memory: '-1Gi' } } }, /must be a quantity, such as/],
  [
    'more time to stop than SageMaker gives',
    { terminationSeconds: 31 },
    /terminationSeconds.*less than or equal to 30/,
  ],
  ['a service account in capitals', { serviceAccountName: 'Runner' }, /must be the name of a ServiceAccount/],
  ['an unknown profile', { podSecurity: 'Privileged' }, /Unsupported value: "Privileged"/],
  ['a field that does not exist', { pingTimeout: 3 }, /unknown field "spec.contractTest.pingTimeout"/],
]

const manifest = (namespace: string, block: object): Manifest =>
  withField(aModelImage(namespace), 'spec.contractTest', block)

for (const [title, block, says] of MISTAKES)
  test(`${title} is refused, with the remedy`, async (t) => {
    const outcome = await cluster.create(manifest('default', block), { dryRun: true })
    t.true('refused' in outcome, 'it was accepted')
    if ('refused' in outcome) t.regex(outcome.refused, says)
  })

const EVERYTHING = {
  required: false,
  invocations: [
    {
      name: 'one-cat',
      contentType: 'image/png',
      accept: 'application/json',
      customAttributes: 'task=segment',
      input: { base64: 'iVBORw0KGgo=' },
      expect: {
        contentType: 'application/json',
        maxLatencyMilliseconds: 2500,
        jsonPath: [{ path: '$.label', equals: 'cat' }],
      },
    },
    { name: 'refused', input: { configMapKeyRef: { name: 'samples', key: 'broken.json' } }, expect: { status: 400 } },
  ],
  modelData: { persistentVolumeClaim: { claimName: 'weights', subPath: 'sam3' } },
  environment: { TASK: 'segment' },
  resources: { requests: { cpu: '500m', memory: '2Gi' }, limits: { 'nvidia.com/gpu': '1' } },
  nodeSelector: { 'node.kubernetes.io/instance-type': 'g5.xlarge' },
  tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists' }],
  runtimeClassName: 'nvidia',
  serviceAccountName: 'puller',
  podSecurity: 'Restricted',
}

for (const [title, block] of [
  ['nothing at all', {}],
  ['everything', EVERYTHING],
] as const)
  test(`a block with ${title} is accepted, and the API server fills in what the operator's own schema fills in`, async (t) => {
    const namespace = await cluster.namespace('contract-test')
    const outcome = await cluster.create(manifest(namespace, block))
    if ('refused' in outcome) return t.fail(outcome.refused)
    const { spec } = outcome.accepted as unknown as { spec: { contractTest: unknown } }
    t.deepEqual(spec.contractTest, contractTest.parse(block) as unknown)
  })
