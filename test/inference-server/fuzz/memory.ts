/** Whether memory went on growing, by readings taken at even distances of inputs. */
export type Growth = { beforeMiB: number; afterMiB: number; flat: boolean }

/** How far medians of a sound run lie apart: a picture more or less in the allocators' pools. */
const SLACK = 1.05
const SLACK_MIB = 16

/**
 * Compares the medians of the third and the last quarter: until the half, caches, allocators' pools and compiled code fill. In a run of
 * 20,000 inputs, ten kilobytes left behind by each are seen.
 * @throws RangeError for fewer than twelve readings, which say nothing
 */
export function growth(readings: readonly number[]): Growth {
  if (readings.length < 12) throw new RangeError(`${readings.length} readings are too few`)
  const quarter = Math.floor(readings.length / 4)
  const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
  const beforeMiB = median(readings.slice(-2 * quarter, -quarter)) / 2 ** 20
  const afterMiB = median(readings.slice(-quarter)) / 2 ** 20
  return { beforeMiB, afterMiB, flat: afterMiB <= beforeMiB * SLACK + SLACK_MIB }
}
