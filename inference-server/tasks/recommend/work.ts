/** One field's condition. The columns are shared memory: handing them to a thread costs nothing. */
export type Condition =
  | {
      codes: Int32Array /** By code, 1 or 0. */
      allowed: Uint8Array /** For items without a value, 1 or 0. */
      absent: number
    }
  | {
      values: Float64Array
      only: readonly number[] | undefined
      not: readonly number[]
      above: number
      from: number
      below: number
      to: number
    }

/** Which items fit all conditions, and are not among those left out: 1 or 0 for each, in shared memory, and how many. */
export function maskOf(
  items: number,
  conditions: readonly Condition[],
  leftOut: readonly number[],
): { mask: Uint8Array<SharedArrayBuffer>; count: number } {
  const mask = new Uint8Array(new SharedArrayBuffer(items)).fill(1)
  for (const condition of conditions) {
    if ('codes' in condition) keepWords(mask, condition)
    else keepNumbers(mask, condition)
  }
  for (const item of leftOut) mask[item] = 0
  let count = 0
  for (const allowed of mask) count += allowed
  return { mask, count }
}

function keepWords(mask: Uint8Array, { codes, allowed, absent }: Extract<Condition, { codes: Int32Array }>): void {
  for (let item = 0; item < mask.length; item++) {
    const code = codes[item] ?? -1
    if ((code === -1 ? absent : allowed[code]) !== 1) mask[item] = 0
  }
}

function keepNumbers(mask: Uint8Array, condition: Extract<Condition, { values: Float64Array }>): void {
  const { values, above, from, below, to } = condition
  const only = condition.only && new Set(condition.only)
  const not = new Set(condition.not)
  const bounded =
    [above, from].some((limit) => limit !== Number.NEGATIVE_INFINITY) ||
    [below, to].some((limit) => limit !== Number.POSITIVE_INFINITY)
  for (let item = 0; item < mask.length; item++) {
    const value = values[item] ?? Number.NaN
    // An item without a value fits no limits and is none of those wanted.
    const fits = Number.isNaN(value)
      ? !bounded && only === undefined
      : value > above && value >= from && value < below && value <= to && (only?.has(value) ?? true) && !not.has(value)
    if (!fits) mask[item] = 0
  }
}
