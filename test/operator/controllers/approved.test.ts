import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { matches, readApproved } from '../../../operator/controllers/approved.ts'
import { modelImage, REGISTRY, reasonOf } from './model-image/support.ts'
import { cloudForFile, conditionOf, isTrue, world } from './world.ts'

const cloud = await cloudForFile()
test.after.always(() => cloud.stop())
const ROLE = 'arn:aws:iam::123456789012:role/mooring-execution'

async function file(t: ExecutionContext, content: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mooring-approved-'))
  t.teardown(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'approved.yaml'), content)
  return join(folder, 'approved.yaml')
}

async function limited(t: ExecutionContext, limits: object) {
  const w = await world({
    intervals: { settled: 300 },
    environment: { MOORING_APPROVED_FILE: await file(t, JSON.stringify({ default: limits })) },
  })
  t.teardown(() => w.stop())
  return w
}

test('a namespace has its own limits, and those of default where it has none', async (t) => {
  const approved = await readApproved(
    await file(
      t,
      'default: {repositories: ["a/*"], buckets: [shared]}\nnamespaces: {vision: {buckets: ["vision-*"]}, empty: {buckets: []}}',
    ),
  )
  t.true(approved.allows('vision', 'buckets', 'vision-1'))
  t.false(approved.allows('vision', 'buckets', 'shared'))
  t.false(approved.allows('vision', 'repositories', 'b/sam'))
  t.true(approved.allows('other', 'buckets', 'shared'))
  t.true(approved.allows('other', 'roles', ROLE), 'what no list speaks of is not limited')
  t.false(approved.allows('empty', 'buckets', 'shared'), 'an empty list allows nothing')
})

test('a file with a mistake is refused, with where it is', async (t) => {
  for (const [content, said] of [
    ['default: {repository: [a]}', /repository/],
    ['namespaces: {vision: {roles: "*"}}', /namespaces\.vision\.roles/],
    ['- a', /expected object/],
  ] as const) {
    const path = await file(t, content)
    await t.throwsAsync(readApproved(path), { message: said }, content)
  }
})

test('a pattern fits what a regular expression of it would', (t) => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '*', '.'), maxLength: 8 })
  const check = fc.property(text, text, (pattern, name) => {
    const expression = pattern
      .split('*')
      .map((part) => part.replaceAll('.', '\\.'))
      .join('[^]*')
    return matches(pattern, name) === new RegExp(`^${expression}$`).test(name)
  })
  t.notThrows(() => fc.assert(check, { numRuns: 5_000 }))
})

test('an image of a repository that is not approved is not even looked at', async (t) => {
  const w = await limited(t, { repositories: [`${REGISTRY}/team/*`] })
  const image = modelImage(w)
  await image.apply({ image: `${REGISTRY}/sam-lite:1.0.0` })
  const seen = await image.until('the refusal', (now) => reasonOf(now, 'Resolved') === 'RepositoryNotApproved')
  t.regex(conditionOf(seen, 'Resolved')?.message ?? '', /chart value approved/)
  t.is((await w.calls()).BatchGetImage, undefined)
})

test('a role that is not approved gets no model', async (t) => {
  const w = await limited(t, { roles: ['arn:aws:iam::123456789012:role/team-*'] })
  await w.apply()
  const condition = await w.until('the refusal', (seen) => {
    const found = conditionOf(seen, 'ModelReady')
    return found?.reason === 'RoleNotApproved' && found
  })
  t.regex(condition.message, /spec\.executionRoleArn/)
  t.is((await w.calls()).CreateModel, undefined)
})

test('an endpoint that serves is looked after when its bucket is not approved any more, and no change is rolled out', async (t) => {
  const w = await world({ intervals: { settled: 300 } })
  t.teardown(() => w.stop())
  await w.apply()
  await w.ready()
  const before = (await w.endpoint()).status?.endpointConfigName
  const path = await file(t, JSON.stringify({ default: { buckets: ['other-*'] } }))
  await w.restart({ MOORING_APPROVED_FILE: path })
  await w.patch({ spec: { environment: { MODE: 'new' } } })
  await w.until('the refusal', (seen) => conditionOf(seen, 'ConfigReady')?.reason === 'BucketNotApproved')
  const seen = await w.endpoint()
  t.is(seen.status?.endpointStatus, 'InService')
  t.is(seen.status?.endpointConfigName, before)
  t.true(isTrue(seen, 'AutoscalingReady'))
})
