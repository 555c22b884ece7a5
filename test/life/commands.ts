import fc from 'fast-check'

/** The objects of a sequence; all run the same ModelImage. */
export const OBJECTS = ['a', 'b', 'c'] as const
export type ObjectName = (typeof OBJECTS)[number]

/** `bad` is an image whose container answers every request with an error. */
export const TAGS = ['1', '2', 'bad', 'absent'] as const
export const INSTANCE_TYPES = ['ml.g5.xlarge', 'ml.g5.2xlarge', 'ml.m5.xlarge'] as const

export const STRATEGIES = ['AllAtOnce', 'Canary', 'Linear', 'Rolling', 'Recreate'] as const

/** Faults on calls; those of one endpoint or of instances are named. */
export const CALL_FAULTS = ['throttle', 'error', 'drop', 'drop-response', 'stale', 'delay', 'denied'] as const
export const ENDPOINT_FAULTS = [
  'endpoint.create-fails',
  'endpoint.stuck-creating',
  'endpoint.stuck-updating',
  'endpoint.stuck-deleting',
  'endpoint.update-fails',
  'endpoint.rollback-fails',
  'endpoint.fails-in-service',
  'endpoint.system-update',
  'endpoint.quota',
  'endpoint-config.not-visible',
  'instance.capacity',
  'instance.slow-start',
] as const
export const REASONS = ['none', 'ping', 'capacity', 'image', 'role', 'silent'] as const
export const OPERATIONS = [
  '*.*',
  'sagemaker.*',
  'application-autoscaling.*',
  'monitoring.*',
  'ecr.*',
  'sagemaker.CreateModel',
  'sagemaker.CreateEndpointConfig',
  'sagemaker.CreateEndpoint',
  'sagemaker.UpdateEndpoint',
  'sagemaker.DeleteEndpoint',
  'sagemaker.DescribeEndpoint',
  'sagemaker.ListTags',
  'sagemaker.DeleteModel',
  'sagemaker.DeleteEndpointConfig',
  'application-autoscaling.DeregisterScalableTarget',
  's3.*',
  'sns.*',
  'tagging.*',
] as const
/** What somebody else does to what is ours, or beside it. */
export const FOREIGN_ACTS = [
  'delete-endpoint',
  'delete-config',
  'delete-model',
  'delete-alarm',
  'delete-target',
  'delete-policy',
  'update-endpoint',
  'scale',
  'change-alarm',
  'change-target',
  'change-tag',
  'plant-beside',
  'take-name',
] as const

/** One step of a sequence: plain data, so that it prints, shrinks and can be replayed. */
export type Command =
  | { do: 'create'; object: ObjectName; min: 0 | 1; max: 1 | 2; retain: boolean; attempts: 0 | 1 | 5; tested: boolean }
  | { do: 'delete'; object: ObjectName }
  | { do: 'environment'; object: ObjectName; value: number }
  | { do: 'instance'; object: ObjectName; type: (typeof INSTANCE_TYPES)[number] }
  | { do: 'scaling'; object: ObjectName; min: 0 | 1; max: 1 | 2 | 3 }
  | { do: 'suspend'; object: ObjectName }
  | { do: 'rollout'; object: ObjectName; strategy: (typeof STRATEGIES)[number]; onFailure: 'RollBack' | 'Hold' }
  | { do: 'revision'; object: ObjectName; number: 0 | 1 | 2 | 3 }
  | { do: 'fallback'; object: ObjectName; mode: 'none' | 'InOrder' | 'InstancePools' }
  | { do: 'schedule'; object: ObjectName; on: boolean }
  | { do: 'topics'; object: ObjectName; on: boolean }
  | { do: 'budget'; object: ObjectName; usd: 0 | 1 | 1_000_000 }
  | { do: 'strip-finalizer'; object: ObjectName }
  | { do: 'tags'; object: ObjectName; value: string }
  | { do: 'smoke-test'; object: ObjectName; on: boolean }
  | { do: 'image'; tag: (typeof TAGS)[number] }
  | { do: 'push'; tag: (typeof TAGS)[number] }
  | { do: 'annotate'; object: ObjectName; what: 'retry' | 'pause' | 'unpause' | 'smoke-test' }
  | {
      do: 'call-fault'
      effect: (typeof CALL_FAULTS)[number]
      operation: (typeof OPERATIONS)[number]
      times: number
      often: 0.3 | 1
    }
  | {
      do: 'endpoint-fault'
      name: (typeof ENDPOINT_FAULTS)[number]
      object: ObjectName
      /** Meets every endpoint, those that are yet to come too. */
      everywhere: boolean
      reason: (typeof REASONS)[number]
      times: number
    }
  | { do: 'clear-faults' }
  | { do: 'foreign'; act: (typeof FOREIGN_ACTS)[number]; object: ObjectName }
  | { do: 'crash'; calls: number; side: 'before' | 'after' }
  | { do: 'crash-now'; downMs: number }
  | { do: 'restart' }
  | { do: 'jump'; ms: number }
  | { do: 'wait'; ms: number }
  | { do: 'settle' }

export type Sequence = {
  /** For whatever is random within: jitter, and which calls a fault meets. */
  noise: number
  /** Two operators that elect a leader, instead of one. */
  pair: boolean
  commands: Command[]
}

const SECOND = 1_000
const HOUR = 3_600 * SECOND

/** Most of what happens should happen to something, and to the same. */
const object = fc.oneof(
  { weight: 5, arbitrary: fc.constant('a' as const) },
  { weight: 2, arbitrary: fc.constant('b' as const) },
  { weight: 1, arbitrary: fc.constant('c' as const) },
)
const min = fc.constantFrom<0 | 1>(0, 1)

const create: fc.Arbitrary<Command> = fc.record({
  do: fc.constant('create' as const),
  object,
  min,
  max: fc.constantFrom<1 | 2>(1, 2),
  retain: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  attempts: fc.constantFrom<0 | 1 | 5>(5, 1, 0),
  tested: fc.boolean(),
})

const just = (command: Command) => fc.constant(command)
const a = <T extends string>(what: T) => fc.constant(what)
const of = <const T extends readonly unknown[]>(...choices: T) => fc.constantFrom(...choices) as fc.Arbitrary<T[number]>

const edits = weighted([
  [4, fc.record({ do: a('environment'), object, value: fc.integer({ min: 0, max: 3 }) })],
  [2, fc.record({ do: a('instance'), object, type: of(...INSTANCE_TYPES) })],
  [2, fc.record({ do: a('scaling'), object, min, max: of(1, 2, 3) })],
  [1, fc.record({ do: a('suspend'), object })],
  [2, fc.record({ do: a('rollout'), object, strategy: of(...STRATEGIES), onFailure: of('RollBack', 'Hold') })],
  // 0 takes it out.
  [1, fc.record({ do: a('revision'), object, number: of(0, 0, 1, 2, 3) })],
  [1, fc.record({ do: a('fallback'), object, mode: of('none', 'InOrder', 'InstancePools') })],
  [1, fc.record({ do: a('schedule'), object, on: of(true, false) })],
  [1, fc.record({ do: a('topics'), object, on: of(true, false) })],
  [1, fc.record({ do: a('budget'), object, usd: of(0, 1, 1_000_000) })],
  [1, fc.record({ do: a('smoke-test'), object, on: of(true, true, false) })],
  [1, fc.record({ do: a('tags'), object, value: of('blue', 'green') })],
  [2, fc.record({ do: a('image'), tag: of('1', '2', '1', '2', '1', '2', 'bad', 'absent') })],
  [1, fc.record({ do: a('push'), tag: of(...TAGS) })],
  [2, fc.record({ do: a('annotate'), object, what: of('retry', 'retry', 'pause', 'unpause', 'smoke-test') })],
])
const lives = weighted([
  [6, create],
  [4, fc.record({ do: a('delete'), object })],
  [1, fc.record({ do: a('strip-finalizer'), object })],
])
const troubles = weighted([
  [
    4,
    fc.record({
      do: a('call-fault'),
      effect: of(...CALL_FAULTS),
      operation: of(...OPERATIONS),
      times: fc.integer({ min: 1, max: 6 }),
      often: of(1, 0.3),
    }),
  ],
  [
    5,
    fc.record({
      do: a('endpoint-fault'),
      name: of(...ENDPOINT_FAULTS, 'endpoint.update-fails', 'endpoint.update-fails', 'endpoint.create-fails'),
      object,
      everywhere: fc.boolean(),
      reason: of(...REASONS),
      times: fc.integer({ min: 1, max: 3 }),
    }),
  ],
  [5, fc.record({ do: a('crash'), calls: fc.integer({ min: 1, max: 15 }), side: of('before', 'after') })],
])
const others = weighted([
  [5, fc.record({ do: a('foreign'), act: of(...FOREIGN_ACTS), object })],
  [2, fc.record({ do: a('crash-now'), downMs: of(0, 100, 500) })],
  [1, fc.record({ do: a('restart') })],
  [1, fc.record({ do: a('clear-faults') })],
  [1, fc.record({ do: a('jump'), ms: of(90 * SECOND, 2 * HOUR, 30 * HOUR) })],
])
const pauses = weighted([
  [3, fc.record({ do: a('wait'), ms: of(10, 50, 150, 400, 900) })],
  [2, fc.record({ do: a('settle') })],
])

/** What chance alone seldom brings together. */
const knownToBeAwkward: fc.Arbitrary<Command[]> = object.chain((name) => {
  const foreign = (act: (typeof FOREIGN_ACTS)[number]): Command => ({ do: 'foreign', act, object: name })
  const asked = (what: Extract<Command, { do: 'annotate' }>['what']): Command => ({
    do: 'annotate',
    object: name,
    what,
  })
  return fc.oneof(
    // Somebody else's endpoint in the place of ours.
    fc.tuple(just(foreign('delete-endpoint')), just(foreign('take-name'))),
    fc.tuple(
      just({ do: 'crash-now', downMs: 500 }),
      just(foreign('delete-endpoint')),
      pauses,
      just(foreign('take-name')),
    ),
    // Work piles up while nothing is done.
    fc.tuple(just(asked('pause')), edits, edits, fc.oneof(others, lives), pauses, just(asked('unpause'))),
    fc.tuple(just({ do: 'crash-now', downMs: 500 }), edits, edits, fc.oneof(others, lives)),
    // A new object under the name of one that goes.
    fc.tuple(just({ do: 'delete', object: name }), pauses, create, pauses),
    // Old answers just after a change.
    fc.tuple(
      edits,
      just({ do: 'call-fault', effect: 'stale', operation: 'sagemaker.DescribeEndpoint', times: 3, often: 1 }),
      fc.oneof(pauses, others),
    ),
  )
})

/** Trouble alone seldom meets anything: most of it comes just before something that has to be done. */
const phrases: fc.Arbitrary<Command[]> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(troubles, fc.oneof(edits, edits, lives), pauses) },
  { weight: 2, arbitrary: fc.tuple(others, edits, pauses) },
  { weight: 1, arbitrary: fc.tuple(edits, others, pauses) },
  { weight: 2, arbitrary: knownToBeAwkward },
  { weight: 3, arbitrary: fc.tuple(fc.oneof(edits, lives, troubles, others, pauses)) },
)

/** Sequences that begin with an object, mostly one that is ready. */
export const sequences: fc.Arbitrary<Sequence> = fc
  .record({
    noise: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    pair: of(true, false, false, false, false),
    first: create,
    ready: of(true, true, false),
    rest: fc.array(phrases, { minLength: 4, maxLength: 14, size: 'max' }),
  })
  .map(({ noise, pair, first, ready, rest }) => ({
    noise,
    pair,
    commands: [{ ...first, object: 'a' } as Command, ...(ready ? [{ do: 'settle' } as const] : []), ...rest.flat()],
  }))

function weighted(choices: [number, fc.Arbitrary<Command>][]): fc.Arbitrary<Command> {
  return fc.oneof(...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })))
}

/** A source of numbers in [0, 1) that a seed determines (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
