import type { Model, Signature } from '../runtime/model.ts'

/**
 * A kind of model, recognised by what its inputs and outputs are called and how many dimensions they have. Dimensions that
 * the family does not fix are free.
 */
export type Family<Part extends string = string> = {
  /** As its makers call it: `SAM 1`. */
  name: string
  /** In words, for the error at load: what a model of this family takes and gives. */
  contract: string
  /** Which part of the family a model is; undefined for a model of another family. */
  part(signature: Signature): Part | undefined
  /** A sentence when parts are missing, such as a decoder without its encoder. */
  incomplete?(parts: ReadonlySet<string>): string | undefined
}

/** The models of a directory, by family and part. */
export type Models = {
  /** Where they were found. */
  directory: string
  /** All of them, in the order of their paths. */
  all: readonly Model[]
  /** Those of one family; undefined when there is none. */
  parts<Part extends string>(family: Family<Part>): Readonly<Partial<Record<Part, Model>>> | undefined
}
