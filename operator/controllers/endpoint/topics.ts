import { OWNER_TAGS } from '../../providers/ownership.ts'
import { baseNameOf } from './desired.ts'
import { type TopicArns, topicArns } from './desired-topics.ts'
import { nameTaken, topicRestored } from './events.ts'
import { contentHash } from './names.ts'
import { failing, type Halt, type Outcome, type Pass, type PinnedPass, waiting } from './pass.ts'
import { assumeVerified, isVerified, noteVerified } from './verified.ts'

type Tag = { Key: string; Value: string }

/**
 * Makes sure of the topics that `createTopics` asks for, before a configuration names them: SageMaker does not check that they exist,
 * and an endpoint whose topics are gone answers in silence.
 */
export async function topicsStep(pass: PinnedPass): Promise<Outcome> {
  const { object, spec, status, memory } = pass
  const arns = topicArns(spec, baseNameOf(object))
  if (!arns) return { kind: 'proceed' }
  const tags = tagsOf(pass)
  const kmsKeyId = spec.async.notifications?.kmsKeyId
  const revision = contentHash({ arns, tags, kmsKeyId: kmsKeyId ?? '' })
  if (isVerified(pass, 'topics', revision)) return { kind: 'proceed' }
  if (status.topics?.success !== arns.success || status.topics.error !== arns.error) {
    // Written down before they are made: a spec that changes meanwhile must not make them forgotten.
    status.topics = arns
    return waiting(pass, 'ConfigReady', 'InProgress', 'The topics are about to be made.', 0)
  }
  const unchanged = pass.conditions.isTrue('ConfigReady') && status.observedGeneration === pass.generation
  if (!memory.verified.has('topics') && unchanged) {
    assumeVerified(pass, 'topics', revision)
    return { kind: 'proceed' }
  }
  for (const arn of [arns.success, arns.error]) {
    const refused = await ensureTopic(pass, arn, tags, kmsKeyId)
    if (refused) return refused
  }
  noteVerified(pass, 'topics', revision)
  return { kind: 'proceed' }
}

/** Deletes the topics that are ours. A topic has no instances: nothing to wait for. */
export async function deleteTopics(pass: Pass): Promise<void> {
  for (const arn of madeTopics(pass)) {
    if (!(await isOurs(pass, arn))) continue
    await pass.providers.topics.delete(arn, pass.signal)
    pass.log.info({ resource: arn }, 'deleted the topic')
  }
}

/** Takes our tags off the topics, which stay with the endpoint that publishes to them. */
export async function disownTopics(pass: Pass): Promise<void> {
  for (const arn of madeTopics(pass)) if (await isOurs(pass, arn)) await pass.providers.topics.disown(arn, pass.signal)
}

/** Those that the spec asks for, which a pass that died may have made, and those that status says were made. */
function madeTopics({ object, spec, status }: Pass): Set<string> {
  const known: (TopicArns | undefined)[] = [topicArns(spec, baseNameOf(object)), status.topics]
  return new Set(known.flatMap((arns) => (arns ? [arns.success, arns.error] : [])))
}

async function isOurs({ providers, owner, signal }: Pass, arn: string): Promise<boolean> {
  const seen = await providers.topics.observe(arn, signal)
  return seen?.tags.get(OWNER_TAGS.uid) === owner.uid && seen.tags.get(OWNER_TAGS.cluster) === owner.cluster
}

async function ensureTopic(
  pass: PinnedPass,
  arn: string,
  tags: Tag[],
  kmsKeyId: string | undefined,
): Promise<Halt | undefined> {
  const { providers, owner, signal, log } = pass
  const { topics } = providers
  const name = arn.split(':').at(-1) ?? ''
  const seen = await topics.observe(arn, signal)
  if (!seen) {
    const made = await topics.create({ name, tags, kmsKeyId }, signal)
    if (made === 'taken') return taken(pass, name)
    if (made.arn !== arn) return otherAccount(pass)
    log.info({ resource: arn }, 'created the topic')
    if (pass.conditions.isTrue('ConfigReady')) pass.emit(topicRestored(name))
    return undefined
  }
  if (seen.tags.get(OWNER_TAGS.uid) !== owner.uid || seen.tags.get(OWNER_TAGS.cluster) !== owner.cluster)
    return taken(pass, name)
  const missing = tags.filter(({ Key, Value }) => seen.tags.get(Key) !== Value)
  if (missing.length > 0) await topics.tag(arn, missing, signal)
  if (seen.kmsKeyId !== kmsKeyId) await topics.encrypt(arn, kmsKeyId, signal)
  return undefined
}

function taken(pass: PinnedPass, name: string): Halt {
  const message = `The SNS topic ${name} belongs to somebody else, by its tags: delete it, or name topics in successTopicArn and errorTopicArn instead of createTopics.`
  pass.emit(nameTaken(message))
  return failing(pass, 'ConfigReady', 'NameTaken', message, pass.intervals.settled)
}

function otherAccount(pass: PinnedPass): Halt {
  const message =
    'Give a role of the account that Mooring works in as spec.executionRoleArn: topics are made in that account, and SageMaker takes no role of another.'
  return failing(pass, 'ConfigReady', 'RoleCannotBeAssumed', message, pass.intervals.settled)
}

/** As on everything else. */
function tagsOf({ desired }: PinnedPass): Tag[] {
  return desired.tags.map(({ Key = '', Value = '' }) => ({ Key, Value }))
}
