import test from 'ava'
import { madeFor, ownerIn } from '../../../../operator/controllers/orphans/ownership.ts'
import { OWNER_TAGS } from '../../../../operator/providers/ownership.ts'
import { parseArn, type ResourceType } from '../../../../operator/providers/tagged-resources.ts'

const UID = '1a2b3c4d-0000-4000-8000-000000000001'
const owner = { namespace: 'vision', name: 'segment', uid: UID }
const TAGS = {
  [OWNER_TAGS.cluster]: 'ours',
  [OWNER_TAGS.namespace]: 'vision',
  [OWNER_TAGS.name]: 'segment',
  [OWNER_TAGS.uid]: UID,
}
const tags = (changes: Record<string, string | undefined> = {}) =>
  new Map(Object.entries({ ...TAGS, ...changes }).filter((entry): entry is [string, string] => entry[1] !== undefined))
const everywhere = { cluster: 'ours', namespace: undefined }

test('an owner is known by all four tags', (t) => {
  t.deepEqual(ownerIn(tags(), everywhere), owner)
  t.deepEqual(ownerIn(tags(), { cluster: 'ours', namespace: 'vision' }), owner)
})

for (const [title, changes] of [
  ['another cluster', { [OWNER_TAGS.cluster]: 'theirs' }],
  ['no cluster', { [OWNER_TAGS.cluster]: undefined }],
  ['no namespace', { [OWNER_TAGS.namespace]: undefined }],
  ['no name', { [OWNER_TAGS.name]: '' }],
  ['no UID', { [OWNER_TAGS.uid]: undefined }],
  ['something that is no UID', { [OWNER_TAGS.uid]: 'segment' }],
] as const)
  test(`tags with ${title} are nobody's`, (t) => {
    t.is(ownerIn(tags(changes), everywhere), undefined)
  })

test("tags of another namespace are nobody's where one namespace is watched", (t) => {
  t.is(ownerIn(tags(), { cluster: 'ours', namespace: 'prod' }), undefined)
})

test('what was made for an owner has one of the names that are computed for it', (t) => {
  const base = 'vision-segment-1a2b3c4d'
  const made: [ResourceType, string][] = [
    ['endpoint', base],
    ['endpoint-config', `${base}-00000001`],
    ['model', `${base}-00000002`],
    ['alarm', `${base}-wake`],
    ['topic', `${base}-success`],
    ['topic', `${base}-error`],
  ]
  for (const [type, name] of made) t.true(madeFor(owner, { type, name }), name)
  const others: [ResourceType, string][] = [
    ['endpoint', 'vision-segment'],
    ['endpoint', `${base}-2`],
    ['endpoint', 'vision-segment-1a2b3c4e'],
    ['endpoint-config', base],
    ['model', 'vision-segment-model'],
    ['alarm', `${base}-errors`],
    ['topic', base],
  ]
  for (const [type, name] of others) t.false(madeFor(owner, { type, name }), name)
})

test('an ARN says type, region and name; of types that Mooring does not make, nothing', (t) => {
  t.deepEqual(parseArn('arn:aws:sagemaker:eu-west-1:123456789012:endpoint-config/a-1'), {
    region: 'eu-west-1',
    type: 'endpoint-config',
    name: 'a-1',
  })
  t.like(parseArn('arn:aws-cn:cloudwatch:cn-north-1:123456789012:alarm:a:b'), { type: 'alarm', name: 'a:b' })
  t.like(parseArn('arn:aws:sns:us-east-1:123456789012:a-error'), { type: 'topic', name: 'a-error' })
  for (const other of [
    'arn:aws:sns:us-east-1:123456789012:a-error:0b1c',
    'arn:aws:sagemaker:us-east-1:123456789012:training-job/a',
    'arn:aws:s3:::bucket',
    'arn:aws:cloudwatch:us-east-1:123456789012:dashboard/a',
    '',
  ])
    t.is(parseArn(other), undefined, other)
})
