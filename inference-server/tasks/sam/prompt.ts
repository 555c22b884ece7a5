/** What is to be segmented, in pixels of the upright original picture. */
export type Prompt = {
  points: readonly (readonly [number, number])[]
  /** One for each point: 1 foreground, 0 background. */
  labels: readonly (0 | 1)[]
  /** [left, top, right, bottom] */
  box?: readonly [number, number, number, number] | undefined
  /** True takes the best of the alternatives for an ambiguous prompt, false the mask for an unambiguous one. */
  multimask: boolean
}
