/** Whether memory grew, by readings taken at even distances of inputs. */
export type Growth = { beforeMiB: number; afterMiB: number; flat: boolean }

/** Allocators keep what they once had, and a picture more may need a few MiB more. */
const SLACK = 1.1
const SLACK_MIB = 32

/**
 * Compares the medians of the second and the last fifth: the first fifth fills caches, allocators' pools and compiled code.
 * @throws RangeError for fewer than ten readings, which say nothing
 */
export function growth(readings: readonly number[]): Growth {
  if (readings.length < 10) throw new RangeError(`${readings.length} readings are too few`)
  const fifth = Math.floor(readings.length / 5)
  const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
  const beforeMiB = median(readings.slice(fifth, 2 * fifth)) / 2 ** 20
  const afterMiB = median(readings.slice(-fifth)) / 2 ** 20
  return { beforeMiB, afterMiB, flat: afterMiB <= beforeMiB * SLACK + SLACK_MIB }
}
