import test from 'ava'
import fc from 'fast-check'
import { AWAITING, type Condition, conditionSet, MESSAGE_LIMIT } from '../../../operator/api/conditions.ts'

const START = new Date('2026-11-21T08:00:00.750Z')
const LATER = new Date('2026-11-21T09:00:00.000Z')
const set = conditionSet({ ready: 'Ready', dependents: ['ImageReady', 'ModelReady'], others: ['Degraded'] })

/** A status whose dependents are all True, opened at START for generation 1. */
function settled(): { conditions?: Condition[] } {
  const status: { conditions?: Condition[] } = {}
  const conditions = set.for(status, 1, START)
  conditions.true_('ImageReady', 'Pinned', 'The image is pinned.')
  conditions.true_('ModelReady', 'Created', 'The model exists.')
  return status
}

test('a new object starts with every dependent Unknown and waiting, and Ready Unknown', (t) => {
  const status: { conditions?: Condition[] } = {}

  set.for(status, 1, START)

  t.deepEqual(
    status.conditions?.map(({ type, status, reason }) => [type, status, reason]),
    [
      ['ImageReady', 'Unknown', AWAITING],
      ['ModelReady', 'Unknown', AWAITING],
      ['Ready', 'Unknown', AWAITING],
    ],
  )
})

test('Ready is True once every dependent is', (t) => {
  const conditions = set.for(settled(), 1, LATER)

  t.like(conditions.ready(), { status: 'True', reason: 'Ready', observedGeneration: 1 })
})

test('Ready takes the reason and message of the first dependent that is False, before one that is Unknown', (t) => {
  const conditions = set.for({}, 1, START)

  conditions.false_('ModelReady', 'RoleCannotBeAssumed', 'Let sagemaker.amazonaws.com assume the role.')

  t.like(conditions.ready(), {
    status: 'False',
    reason: 'RoleCannotBeAssumed',
    message: 'ModelReady: Let sagemaker.amazonaws.com assume the role.',
  })
})

test('Ready is Unknown, not False, while nothing is False', (t) => {
  const conditions = set.for({}, 1, START)

  conditions.true_('ImageReady', 'Pinned')
  conditions.unknown('ModelReady', 'Throttled', 'SageMaker asks to slow down; this is tried again.')

  t.like(conditions.ready(), { status: 'Unknown', reason: 'Throttled' })
})

test('Ready is not True for a new generation that no step has looked at, though every dependent was', (t) => {
  const status = settled()

  const conditions = set.for(status, 2, LATER)

  t.like(conditions.ready(), { status: 'Unknown', reason: AWAITING, observedGeneration: 2 })
  t.regex(conditions.ready().message, /^ImageReady: The spec changed/)
})

test('Ready that is True again at the end of the pass has not flipped, whatever it was in between', (t) => {
  const status = settled()

  const conditions = set.for(status, 2, LATER)
  conditions.true_('ImageReady', 'Pinned')
  conditions.true_('ModelReady', 'Created')

  t.like(conditions.ready(), {
    status: 'True',
    observedGeneration: 2,
    lastTransitionTime: '2026-11-21T08:00:00Z',
  })
})

test('a condition beside the dependents does not decide Ready', (t) => {
  const conditions = set.for(settled(), 1, LATER)

  conditions.true_('Degraded', 'UpdateRolledBack', 'SageMaker rolled the update back.')

  t.is(conditions.ready().status, 'True')
})

test('the transition time moves when the status flips', (t) => {
  const conditions = set.for(settled(), 1, LATER)

  conditions.false_('ModelReady', 'RevisionMissing', 'The model was deleted by hand.')

  t.is(conditions.get('ModelReady')?.lastTransitionTime, '2026-11-21T09:00:00Z')
  t.is(conditions.get('Ready')?.lastTransitionTime, '2026-11-21T09:00:00Z')
})

test('the transition time stays when only reason, message or generation change', (t) => {
  const conditions = set.for(settled(), 2, LATER)

  t.true(conditions.true_('ModelReady', 'InService', 'The model was there.'))

  t.like(conditions.get('ModelReady'), { observedGeneration: 2, lastTransitionTime: '2026-11-21T08:00:00Z' })
})

test('setting what already holds answers false and leaves the very list in place', (t) => {
  const status = settled()
  const before = status.conditions
  const copy = structuredClone(before)

  const conditions = set.for(status, 1, LATER)

  t.false(conditions.true_('ModelReady', 'Created', 'The model exists.'))
  t.is(status.conditions, before)
  t.deepEqual(status.conditions, copy)
})

test('a message over the limit is cut, and setting it again is no change', (t) => {
  const conditions = set.for({}, 1, START)
  const long = 'x'.repeat(MESSAGE_LIMIT + 1)

  conditions.false_('ImageReady', 'ImageMissing', long)

  t.is(conditions.get('ImageReady')?.message, `${'x'.repeat(MESSAGE_LIMIT - 1)}…`)
  t.false(conditions.false_('ImageReady', 'ImageMissing', long))
})

test('clearing takes away a condition that stands beside, and once', (t) => {
  const status = settled()
  const conditions = set.for(status, 1, LATER)
  conditions.true_('Degraded', 'UpdateRolledBack', 'SageMaker rolled the update back.')

  t.true(conditions.clear('Degraded'))
  t.false(conditions.clear('Degraded'))
  t.false(status.conditions?.some(({ type }) => type === 'Degraded'))
})

test('the conditions stand in the order of the steps, Ready last', (t) => {
  const status = settled()
  const conditions = set.for(status, 1, LATER)

  conditions.false_('Degraded', 'AsDeclared', 'Nothing is wrong.')

  t.deepEqual(
    status.conditions?.map(({ type }) => type),
    ['ImageReady', 'ModelReady', 'Degraded', 'Ready'],
  )
})

test('a condition of a type from another version is kept', (t) => {
  const old: Condition = {
    type: 'Retired',
    status: 'True',
    reason: 'Old',
    message: '',
    lastTransitionTime: '2025-01-01T00:00:00Z',
    observedGeneration: 1,
  }

  const conditions = set.for({ conditions: [old] }, 1, START)

  t.deepEqual(conditions.get('Retired'), old)
})

const aStatus = fc.constantFrom('True' as const, 'False' as const, 'Unknown' as const)
const aChange = fc.record({
  type: fc.constantFrom('ImageReady' as const, 'ModelReady' as const, 'Degraded' as const),
  status: aStatus,
  message: fc.string({ unit: 'grapheme', maxLength: 2 * MESSAGE_LIMIT }),
})

test('after any changes: one condition of a type, Ready follows from its dependents, messages are short and well formed', (t) => {
  fc.assert(
    fc.property(fc.array(aChange, { maxLength: 20 }), (changes) => {
      const status: { conditions?: Condition[] } = {}
      const conditions = set.for(status, 1, START)
      for (const change of changes) conditions.set(change.type, change.status, 'Refused', change.message)

      const all = status.conditions ?? []
      t.is(new Set(all.map(({ type }) => type)).size, all.length)
      t.true(all.every(({ message }) => message.length <= MESSAGE_LIMIT && message.isWellFormed()))
      const dependents = all
        .filter(({ type }) => type === 'ImageReady' || type === 'ModelReady')
        .map((one) => one.status)
      const expected = dependents.includes('False') ? 'False' : dependents.includes('Unknown') ? 'Unknown' : 'True'
      t.is(conditions.ready().status, expected)
      t.is(all.at(-1)?.type, 'Ready')
    }),
  )
})

test('a pass that repeats the last one changes nothing', (t) => {
  fc.assert(
    fc.property(fc.array(aChange, { maxLength: 10 }), (changes) => {
      const last = [...new Map(changes.map((change) => [change.type, change])).values()]
      const status: { conditions?: Condition[] } = {}
      const first = set.for(status, 1, START)
      for (const change of last) first.set(change.type, change.status, 'Refused', change.message)
      const before = structuredClone(status)

      const second = set.for(status, 1, LATER)

      t.false(last.some((change) => second.set(change.type, change.status, 'Refused', change.message)))
      t.deepEqual(status, before)
    }),
  )
})
