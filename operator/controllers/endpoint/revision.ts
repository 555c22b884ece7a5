import { nameTaken } from './events.ts'
import { type ConditionType, failing, type Outcome, type Pass } from './pass.ts'
import { assumeVerified, isVerified, noteVerified } from './verified.ts'

/** A model or a configuration: made once under a name that stands for its content, never changed. */
export type Revision = {
  condition: ConditionType
  /** For messages. */
  what: string
  name: string
  /** Whether status says that it was made. */
  known: boolean
  create(): Promise<'created' | 'taken'>
  observe(): Promise<{ arn: string } | undefined>
}

/**
 * Makes sure that the revision is there and ours. A new one is created without looking first: if the name is taken, it was made by
 * a pass that did not live to write it down, or by somebody else, and its tags tell which.
 */
export async function ensureRevision(pass: Pass, revision: Revision): Promise<Outcome> {
  const { conditions, intervals, memory, log } = pass
  const { condition, what, name, known } = revision
  const suspect = memory.suspect.has(name)
  const there = (): Outcome => {
    conditions.true_(condition, 'Created', '')
    return { kind: 'proceed' }
  }
  const remember = () => {
    noteVerified(pass, condition, name)
    memory.suspect.delete(name)
  }

  if (known && !suspect) {
    assumeVerified(pass, condition, name)
    if (isVerified(pass, condition, name)) return there()
    if (!(await revision.observe())) return await make()
    remember()
    return there()
  }
  if (known && (await revision.observe())) {
    remember()
    return there()
  }
  return await make()

  async function make(): Promise<Outcome> {
    if ((await revision.create()) === 'created') {
      log.info({ resource: name }, `created the ${what}`)
    } else {
      const existing = await revision.observe()
      if (existing && !(await pass.providers.ownership.isOurs(existing.arn, pass.owner, pass.signal))) {
        const message = `The ${what} ${name} belongs to somebody else, by its tags: delete it, or give this object another name.`
        pass.emit(nameTaken(message))
        return failing(pass, condition, 'NameTaken', message, intervals.settled)
      }
    }
    remember()
    return there()
  }
}

/**
 * Makes sure that a revision from before is still there. Its content is not known any more, so that nothing can make it again.
 * Looked at once, and then as rarely as the other revisions.
 */
export async function ensureKept(
  pass: Pass,
  { condition, what, name, observe }: Pick<Revision, 'condition' | 'what' | 'name' | 'observe'>,
): Promise<Outcome> {
  const { conditions, intervals } = pass
  const fresh = isVerified(pass, condition, name)
  if (!fresh && !(await observe())) {
    const message = `The ${what} ${name} of that revision was deleted: set spec.revision to another one, or take it out.`
    return failing(pass, condition, 'RevisionMissing', message, intervals.settled)
  }
  if (!fresh) noteVerified(pass, condition, name)
  conditions.true_(condition, 'Created', '')
  return { kind: 'proceed' }
}
