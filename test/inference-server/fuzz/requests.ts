import fc from 'fast-check'

/** A change to a file's bytes; places are shares of its length, so that one fits every file. */
export type Mutation =
  | { kind: 'set'; at: number; value: number }
  | { kind: 'number'; at: number; value: number; bytes: 1 | 2 | 4; little: boolean }
  | { kind: 'cut'; at: number }
  | { kind: 'remove' | 'zero' | 'repeat'; at: number; length: number }
  | { kind: 'splice'; at: number; other: number; from: number }

/** A request, so described that fast-check can make it smaller. */
export type FuzzRequest = {
  form: 'json' | 'multipart' | 'raw'
  task: unknown
  /** One of the files that there are, changed; or text in its place. */
  file: { file: number; mutations: Mutation[]; type: string } | { text: string } | undefined
  fields: [string, unknown][]
  accept: string | undefined
  attributes: string | undefined
  /** Changes to the whole body. */
  body: Mutation[]
}

const place = fc.double({ min: 0, max: 1, noNaN: true })
const length = fc.integer({ min: 1, max: 64 })
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), at: place, value: fc.integer({ min: 0, max: 255 }) }),
  fc.record({
    kind: fc.constant('number' as const),
    at: place,
    value: fc.constantFrom(0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0xffff_ffff, 65_500),
    bytes: fc.constantFrom(1 as const, 2 as const, 4 as const),
    little: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('cut' as const), at: place }),
  fc.record({ kind: fc.constantFrom('remove' as const, 'zero' as const, 'repeat' as const), at: place, length }),
  fc.record({ kind: fc.constant('splice' as const), at: place, other: fc.nat(1000), from: place }),
)

const number = fc.oneof(
  fc.integer({ min: -5, max: 400 }),
  fc.double({ noNaN: true }),
  fc.constantFrom(0, -0, 1e308, -1e308, 2 ** 53, 2 ** 31, 1e-320, 0.1),
)
const point = fc.tuple(fc.integer({ min: 0, max: 39 }), fc.integer({ min: 0, max: 39 }))
const columns = 30
const row = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.array(fc.double({ min: 0, max: 30, noNaN: true }), { minLength: columns, maxLength: columns }),
  },
  {
    weight: 1,
    arbitrary: fc.array(
      fc.oneof({ weight: 9, arbitrary: number }, { weight: 1, arbitrary: fc.constantFrom(null, 'NaN', '') }),
      {
        minLength: columns - 1,
        maxLength: columns + 1,
      },
    ),
  },
)
const share = fc.double({ min: 0, max: 1, noNaN: true })
const path = fc.constantFrom('s3://bucket/prefix/', 's3://', 'file:///etc/', '')

type Fields = Readonly<Record<string, fc.Arbitrary<unknown>>>

/** Values that a task's fields may sensibly have; the first of them it needs. */
const SENSIBLE: Readonly<Record<string, Fields>> = {
  segment: {
    points: fc.array(point, { minLength: 1, maxLength: 4 }),
    labels: fc.array(fc.constantFrom(0, 1), { maxLength: 4 }),
    box: fc.tuple(
      fc.constantFrom(0, 3, 20),
      fc.constantFrom(0, 5),
      fc.integer({ min: 21, max: 40 }),
      fc.integer({ min: 6, max: 40 }),
    ),
    multimask: fc.boolean(),
    polygon: fc.boolean(),
    rle: fc.boolean(),
  },
  get_embedding: {},
  generate_3d: {
    quality: fc.constant('draft'),
    num_points: fc.integer({ min: 1, max: 3000 }),
    method: fc.constantFrom('auto', 'gaussians', 'depth', 'inflation'),
    representation: fc.constantFrom('gaussians', 'points', 'mesh'),
    format: fc.constantFrom('ply', 'glb'),
    fov_degrees: fc.integer({ min: 9, max: 151 }),
    depth_ratio: fc.double({ min: 1, max: 101, noNaN: true }),
    mask: fc.constantFrom('AAAA', ''),
  },
  detect_rooms: {
    lines: fc.constantFrom('auto', 'dark', 'light'),
    min_area: number,
    max_area: number,
    epsilon_factor: fc.double({ min: 0, max: 0.05, noNaN: true }),
    gap_closing: number,
    min_wall_thickness: number,
    max_rooms: fc.integer({ min: 1, max: 1000 }),
    overlay: fc.boolean(),
  },
  recommend: {
    k: fc.integer({ min: 1, max: 101 }),
    id: fc.constantFrom('item-1', 'item-2', 'nobody', 3),
    embedding: fc.array(number, { minLength: 15, maxLength: 65 }),
    exclude: fc.array(fc.constantFrom('item-1', 'x'), { maxLength: 3 }),
    min_score: share,
    metadata: fc.boolean(),
    filter: fc.constantFrom<unknown>({ colour: 'red' }, { price: { lt: 5 } }, { nothing: [1, 2] }, [], { $or: [] }),
  },
  predict: { data: fc.array(row, { minLength: 1, maxLength: 4 }), header: fc.constantFrom('present', 'absent') },
}

/** Names that mean something to JavaScript, or to somebody. */
const STRANGE = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '',
  'task',
  'image',
  'a.b',
  '..',
  'x'.repeat(300),
]
const strangeValue = fc.oneof(
  number,
  fc.string({ maxLength: 30 }),
  fc.constantFrom<unknown>(
    null,
    true,
    '',
    'NaN',
    '1e999',
    '[[',
    '{}',
    '\u0000',
    '😀',
    's3://bucket/key',
    'data:,',
    '__proto__',
  ),
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(Array(2000).fill(0), Array(100).fill([[[]]]), 'y'.repeat(20_000)),
)

const ALL_FIELDS: Fields = Object.assign({ output_s3: path }, ...Object.values(SENSIBLE))
const named = (fields: Fields): fc.Arbitrary<[string, unknown]>[] =>
  Object.entries(fields).map(([name, value]) => value.map((each): [string, unknown] => [name, each]))

/** Mostly what the task needs and some of its own fields; now and then what belongs to another, or to none. */
function fieldsOf(task: string): fc.Arbitrary<[string, unknown][]> {
  const [first, ...others] = named(SENSIBLE[task] ?? {})
  const strange = fc.oneof(
    fc.oneof(...named(ALL_FIELDS)),
    fc.tuple(fc.constantFrom(...Object.keys(ALL_FIELDS)), strangeValue),
    fc.tuple(fc.oneof(fc.constantFrom(...STRANGE), fc.string({ maxLength: 12 })), strangeValue),
  )
  return fc
    .tuple(
      first ? fc.option(first, { freq: 9 }) : fc.constant(null),
      others.length > 0 ? fc.option(fc.oneof(...others)) : fc.constant(null),
      seldom<[string, unknown] | null>(fc.constant(null), strange, 3),
    )
    .map((fields) => fields.filter((each) => each !== null))
}

const IMAGE_TYPES = ['image/jpeg', 'image/png', 'application/octet-stream'] as const
const OTHER_TYPES = ['text/csv', 'application/x-npy', 'image/svg+xml', 'text/plain', '']
const TABLE_TYPES = ['text/csv', 'application/x-npy', 'application/octet-stream'] as const
const ACCEPTS = [
  '*/*',
  'image/png',
  'application/x-npy',
  'application/octet-stream',
  'text/csv',
  'text/html',
  ';;q=,',
  'image/*;q=0.5, application/json;q=0.1',
]
const ATTRIBUTES = [
  'task=segment;points=[[1,2]]',
  'a=b;;=;c',
  'constructor=1',
  '__proto__=x;toString=y',
  `k=${'v'.repeat(1100)}`,
  'image=AAAA',
]

const seldom = <Value>(often: fc.Arbitrary<Value>, arbitrary: fc.Arbitrary<Value>, weight = 9) =>
  fc.oneof({ weight, arbitrary: often }, { weight: 1, arbitrary })
const none = fc.constant<undefined>(undefined)

/** Requests for these tasks, of which a good part can be answered and most are wrong in some way. */
export function fuzzRequests(tasks: readonly string[]): fc.Arbitrary<FuzzRequest> {
  return fc.constantFrom(...tasks).chain((task) => {
    const file = fc.record({
      file: fc.nat(1000),
      mutations: fc.oneof(fc.constant<Mutation[]>([]), fc.array(mutation, { minLength: 1, maxLength: 5 })),
      type: seldom(
        fc.constantFrom<string>(...(task === 'predict' ? TABLE_TYPES : IMAGE_TYPES)),
        fc.constantFrom(...OTHER_TYPES),
      ),
    })
    const text = fc.record({
      text: fc.oneof(
        fc.string({ maxLength: 40 }),
        fc.constantFrom('s3://bucket/key', 'data:image/png;base64,', 'AAAA', '='),
      ),
    })
    return fc.record({
      form: fc.constantFrom('json' as const, 'json' as const, 'multipart' as const, 'raw' as const),
      task: seldom(fc.constant<unknown>(task), strangeValue, 30),
      // In JSON, predict's table stands in a field.
      file: seldom<FuzzRequest['file']>(file, fc.oneof(text, none), task === 'predict' ? 1 : 9),
      fields: fieldsOf(task),
      accept: seldom<string | undefined>(none, fc.constantFrom(...ACCEPTS), 5),
      attributes: seldom<string | undefined>(none, fc.constantFrom(...ATTRIBUTES), 15),
      body: seldom(fc.constant<Mutation[]>([]), fc.array(mutation, { minLength: 1, maxLength: 2 }), 15),
    })
  })
}

/** Applies changes in turn; `others` are what may be spliced in. */
export function mutated(bytes: Buffer, mutations: readonly Mutation[], others: readonly Buffer[]): Buffer {
  let result: Buffer = Buffer.from(bytes)
  for (const change of mutations) {
    const at = Math.floor(change.at * result.length)
    if (change.kind === 'set' && at < result.length) result[at] = change.value
    else if (change.kind === 'number') writeNumber(result, at, change)
    else if (change.kind === 'cut') result = result.subarray(0, at)
    else if (change.kind === 'zero') result.fill(0, at, Math.min(result.length, at + change.length))
    else if (change.kind === 'remove')
      result = Buffer.concat([result.subarray(0, at), result.subarray(at + change.length)])
    else if (change.kind === 'repeat')
      result = Buffer.concat([result.subarray(0, at + change.length), result.subarray(at)])
    else if (change.kind === 'splice') {
      const other = others[change.other % Math.max(1, others.length)] ?? result
      result = Buffer.concat([result.subarray(0, at), other.subarray(Math.floor(change.from * other.length))])
    }
  }
  return result
}

function writeNumber(
  bytes: Buffer,
  at: number,
  { value, bytes: width, little }: Extract<Mutation, { kind: 'number' }>,
): void {
  if (at + width > bytes.length) return
  const fitting = value % 2 ** (8 * width)
  if (little) bytes.writeUIntLE(fitting, at, width)
  else bytes.writeUIntBE(fitting, at, width)
}
