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
  image: { picture: number; mutations: Mutation[]; type: string } | { text: string } | undefined
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
const point = fc.tuple(fc.integer({ min: 0, max: 95 }), fc.integer({ min: 0, max: 71 }))
const row = fc.array(
  fc.oneof({ weight: 9, arbitrary: number }, { weight: 1, arbitrary: fc.constantFrom(null, 'NaN', '') }),
  { minLength: 28, maxLength: 31 },
)

/** Values that the named field may sensibly have. */
const SENSIBLE: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  points: fc.array(point, { maxLength: 5 }),
  labels: fc.array(fc.constantFrom(0, 1), { maxLength: 5 }),
  box: fc.tuple(
    fc.integer({ min: 0, max: 40 }),
    fc.integer({ min: 0, max: 30 }),
    fc.integer({ min: 41, max: 96 }),
    fc.integer({ min: 31, max: 72 }),
  ),
  multimask: fc.boolean(),
  data: fc.array(row, { maxLength: 4 }),
  min_area: number,
  max_area: number,
  epsilon_factor: fc.double({ min: 0, max: 0.05, noNaN: true }),
  gap_closing: number,
  min_wall_thickness: number,
  lines: fc.constantFrom('auto', 'dark', 'light'),
  max_rooms: fc.integer({ min: 1, max: 1000 }),
  overlay: fc.boolean(),
  polygon: fc.boolean(),
  rle: fc.boolean(),
  k: fc.integer({ min: 1, max: 100 }),
  num_points: fc.integer({ min: 1, max: 5000 }),
  quality: fc.constantFrom('low', 'medium', 'high'),
  output_s3: fc.constantFrom('s3://bucket/prefix/', 's3://', 'file:///etc/', ''),
}

/** Names that mean something to JavaScript, or to somebody. */
const STRANGE = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'valueOf',
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
  fc.constantFrom<unknown>(Array(5000).fill(0), Array(100).fill([[[]]]), 'y'.repeat(20_000)),
)
const field: fc.Arbitrary<[string, unknown]> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .constantFrom(...Object.keys(SENSIBLE))
      .chain((name) => (SENSIBLE[name] ?? number).map((value): [string, unknown] => [name, value])),
  },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom(...Object.keys(SENSIBLE)), strangeValue) },
  { weight: 1, arbitrary: fc.tuple(fc.oneof(fc.constantFrom(...STRANGE), fc.string({ maxLength: 12 })), strangeValue) },
)

const TYPES = [
  'image/jpeg',
  'image/png',
  'application/octet-stream',
  'text/csv',
  'application/x-npy',
  'image/svg+xml',
  'text/plain',
  '',
]

/** What the task needs to be answered, most of the time. */
const NEEDED: Readonly<Record<string, readonly string[]>> = { segment: ['points'], predict: ['data'] }

/** Requests for these tasks, of which some can be answered and most are wrong in some way. */
export function fuzzRequests(tasks: readonly string[], pictures: number): fc.Arbitrary<FuzzRequest> {
  const image = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        picture: fc.nat(pictures - 1),
        mutations: fc.oneof(
          { weight: 1, arbitrary: fc.constant<Mutation[]>([]) },
          { weight: 3, arbitrary: fc.array(mutation, { minLength: 1, maxLength: 6 }) },
        ),
        type: fc.constantFrom(...TYPES),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        text: fc.oneof(
          fc.string({ maxLength: 40 }),
          fc.constantFrom('s3://bucket/key', 'data:image/png;base64,', 'AAAA', '='),
        ),
      }),
    },
    { weight: 1, arbitrary: fc.constant(undefined) },
  )
  return fc.constantFrom(...tasks).chain((task) =>
    fc.record({
      form: fc.constantFrom('json' as const, 'json' as const, 'multipart' as const, 'raw' as const),
      task: fc.oneof({ weight: 15, arbitrary: fc.constant<unknown>(task) }, { weight: 1, arbitrary: strangeValue }),
      image,
      fields: fc
        .tuple(
          fc.tuple(...(NEEDED[task] ?? []).map((name) => fc.tuple(fc.constant(name), SENSIBLE[name] ?? number))),
          // Few fields belong to one task: more than one or two would leave no request to be answered.
          fc.oneof(
            { weight: 2, arbitrary: fc.constant<[string, unknown][]>([]) },
            { weight: 1, arbitrary: fc.array(field, { maxLength: 3 }) },
          ),
        )
        .map(([needed, others]): [string, unknown][] => [...needed, ...others]),
      accept: fc.constantFrom(
        undefined,
        undefined,
        undefined,
        '*/*',
        'image/png',
        'application/json',
        'application/x-npy',
        'application/octet-stream',
        'text/html',
        ';;q=,',
        'image/*;q=0.5, application/json;q=0.1',
      ),
      attributes: fc.oneof(
        { weight: 5, arbitrary: fc.constant(undefined) },
        {
          weight: 1,
          arbitrary: fc.constantFrom(
            'task=segment;points=[[1,2]]',
            'a=b;;=;c',
            'constructor=1',
            '__proto__=x;toString=y',
            `k=${'v'.repeat(1100)}`,
            'image=AAAA',
          ),
        },
      ),
      body: fc.oneof(
        { weight: 9, arbitrary: fc.constant<Mutation[]>([]) },
        { weight: 1, arbitrary: fc.array(mutation, { minLength: 1, maxLength: 2 }) },
      ),
    }),
  )
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
