import fc from 'fast-check'

/** The objects of a sequence; all run the same ModelImage. */
export const OBJECTS = ['a', 'b', 'c'] as const
export type ObjectName = (typeof OBJECTS)[number]

export const TAGS = ['1', '2', 'absent'] as const
export const INSTANCE_TYPES = ['ml.g5.xlarge', 'ml.g5.2xlarge', 'ml.m5.xlarge'] as const

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
  | { do: 'create'; object: ObjectName; min: 0 | 1; max: 1 | 2; retain: boolean; attempts: 0 | 1 | 5 }
  | { do: 'delete'; object: ObjectName }
  | { do: 'environment'; object: ObjectName; value: number }
  | { do: 'instance'; object: ObjectName; type: (typeof INSTANCE_TYPES)[number] }
  | { do: 'scaling'; object: ObjectName; min: 0 | 1; max: 1 | 2 | 3 }
  | { do: 'tags'; object: ObjectName; value: string }
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
  commands: Command[]
}

const SECOND = 1_000
const HOUR = 3_600 * SECOND

const object = fc.constantFrom(...OBJECTS)
const min = fc.constantFrom<0 | 1>(0, 1)

const create: fc.Arbitrary<Command> = fc.record({
  do: fc.constant('create' as const),
  // Most of what happens should happen to something.
  object: fc.oneof({ weight: 3, arbitrary: fc.constant('a' as const) }, { weight: 2, arbitrary: object }),
  min,
  max: fc.constantFrom<1 | 2>(1, 2),
  retain: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  attempts: fc.constantFrom<0 | 1 | 5>(5, 1, 0),
})

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 3, arbitrary: create },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), object }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('environment' as const), object, value: fc.integer({ min: 0, max: 3 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('instance' as const), object, type: fc.constantFrom(...INSTANCE_TYPES) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('scaling' as const),
      object,
      min,
      max: fc.constantFrom<1 | 2 | 3>(1, 2, 3),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('tags' as const), object, value: fc.constantFrom('blue', 'green') }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('image' as const), tag: fc.constantFrom(...TAGS) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('push' as const), tag: fc.constantFrom(...TAGS) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('annotate' as const),
      object,
      what: fc.constantFrom<'retry' | 'pause' | 'unpause' | 'smoke-test'>('retry', 'pause', 'unpause', 'smoke-test'),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('call-fault' as const),
      effect: fc.constantFrom(...CALL_FAULTS),
      operation: fc.constantFrom(...OPERATIONS),
      times: fc.integer({ min: 1, max: 6 }),
      often: fc.constantFrom<0.3 | 1>(1, 0.3),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('endpoint-fault' as const),
      name: fc.constantFrom(...ENDPOINT_FAULTS),
      object,
      reason: fc.constantFrom(...REASONS),
      times: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clear-faults' as const) }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('foreign' as const), act: fc.constantFrom(...FOREIGN_ACTS), object }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('crash' as const),
      calls: fc.integer({ min: 1, max: 25 }),
      side: fc.constantFrom<'before' | 'after'>('before', 'after'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('crash-now' as const), downMs: fc.constantFrom(0, 100, 500) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('jump' as const), ms: fc.constantFrom(90 * SECOND, 2 * HOUR, 30 * HOUR) }),
  },
  {
    weight: 7,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(10, 50, 150, 400, 900) }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('settle' as const) }) },
)

/** Sequences that begin with an object, mostly one that is ready. */
export const sequences: fc.Arbitrary<Sequence> = fc
  .record({
    noise: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    first: create,
    ready: fc.constantFrom(true, true, false),
    rest: fc.array(command, { minLength: 5, maxLength: 22, size: 'max' }),
  })
  .map(({ noise, first, ready, rest }) => ({
    noise,
    commands: [first, ...(ready ? [{ do: 'settle' } as const] : []), ...rest],
  }))

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
