import type { Family } from './family.ts'
import { sam1 } from './sam1.ts'

/** Every family that the server knows, the most specific first. */
export const FAMILIES: readonly Family[] = [sam1]
