/** How long until the next look, in milliseconds. */
export type Intervals = {
  /** While AWS is changing something. SageMaker throttles DescribeEndpoint, and its changes take minutes. */
  inFlight: number
  /** While nothing happens: what changed outside is seen this late. */
  settled: number
  /** While AWS is deleting something. */
  deleting: number
  /** Between checks that what rarely changes by itself (models, configurations, scaling) is still as it was made. */
  verify: number
}

/** What fails at once is seen at once; what takes minutes is asked for as rarely as the interval says. */
const FIRST_LOOK_MS = 2_000

/** The wait until the next look at a change that began `elapsed` milliseconds ago: as long again, within the interval. */
export function whileInFlight({ inFlight }: Pick<Intervals, 'inFlight'>, elapsed: number): number {
  return Math.min(inFlight, Math.max(FIRST_LOOK_MS, elapsed))
}

const JITTER = 0.2

/** Within 20 % of the interval: objects that were first seen together must not be looked at together for ever. */
export function jittered(milliseconds: number, random: () => number): number {
  return milliseconds * (1 - JITTER + 2 * JITTER * random())
}
