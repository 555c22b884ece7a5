import { describe, type Model } from '../runtime/model.ts'
import type { Family, Models } from './family.ts'

/**
 * Gives each model its family and part; the first family that knows a model has it, so that the most specific stand first.
 * @throws Error that says what was expected and what was found: when a model fits no family, a part is there twice, or one is missing.
 */
export function recognise(families: readonly Family[], directory: string, all: readonly Model[]): Models {
  const found = new Map<Family, Record<string, Model>>()
  for (const model of all) {
    const family = families.find((each) => each.part(model.signature) !== undefined)
    const part = family?.part(model.signature)
    if (!family || part === undefined) {
      const { inputs, outputs } = model.signature
      throw new Error(
        `${model.file} is no model that this server knows; found inputs ${describe(inputs)}; outputs ${describe(outputs)}; expected one of: ${contracts(families)}`,
      )
    }
    const parts = found.get(family) ?? {}
    const taken = parts[part]
    if (taken) {
      throw new Error(
        `${taken.file} and ${model.file} are both the ${part} of ${family.name}; one is expected: name those to be loaded under "models" in config.json`,
      )
    }
    found.set(family, { ...parts, [part]: model })
  }
  for (const [family, parts] of found) {
    const missing = family.incomplete?.(new Set(Object.keys(parts)))
    if (missing) {
      const files = Object.values(parts).map(({ file }) => file)
      throw new Error(
        `${family.name} is incomplete: ${missing}; found ${files.join(', ')}; expected ${family.contract}`,
      )
    }
  }
  return {
    directory,
    all,
    parts: <Part extends string>(family: Family<Part>) =>
      found.get(family as Family) as Partial<Record<Part, Model>> | undefined,
  }
}

const contracts = (families: readonly Family[]) =>
  families.map(({ name, contract }) => `${name} (${contract})`).join('; ')
