import type { Family } from './family.ts'
import { sam1 } from './sam1.ts'
import { tabular } from './tabular.ts'

/** Every family that the server knows, the most specific first. */
export const FAMILIES: readonly Family[] = [sam1, tabular]
