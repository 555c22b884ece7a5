/** An input or output of a model. A dynamic dimension is its name; what is no tensor (a sequence of maps) has no shape. */
export type Value = { name: string; type: string; shape: readonly (number | string)[]; isTensor: boolean }

export type Signature = { inputs: readonly Value[]; outputs: readonly Value[] }

/** Where a model runs. */
export type Provider = 'cpu' | 'cuda'

/** A model that every device worker holds a session of. */
export type Model = {
  /** Its place in the workers' list. */
  id: number
  /** Its path under the model directory, or what a generated graph is called. */
  file: string
  signature: Signature
  provider: Provider
}

/**
 * What a device worker opens: a file, so that the runtime finds weights kept beside it, or a graph made at load, whose weights
 * may lie in files of `externalDataFolder`.
 */
export type ModelSpec =
  | { file: string; path: string }
  | { file: string; bytes: Uint8Array; externalDataFolder?: string }

/** A signature's side in words, such as `image_embeddings float32[1,256,64,64]`. */
export function describe(values: readonly Value[]): string {
  return values
    .map(({ name, type, shape, isTensor }) => `${name} ${isTensor ? `${type}[${shape.join(',')}]` : '(no tensor)'}`)
    .join(', ')
}

/** Whether a shape has these dimensions: undefined takes any, and a dynamic dimension may be any. */
export function fits(shape: readonly (number | string)[], expected: readonly (number | undefined)[]): boolean {
  return (
    shape.length === expected.length &&
    shape.every((size, at) => typeof size === 'string' || expected[at] === undefined || size === expected[at])
  )
}

/** Whether the inputs or outputs have all these names. */
export function hasAll(values: readonly Value[], names: readonly string[]): boolean {
  return names.every((name) => values.some((value) => value.name === name))
}
