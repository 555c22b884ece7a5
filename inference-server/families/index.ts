import type { Family } from './family.ts'
import { sam2Hf, samHf } from './sam-hf.ts'
import { sam1 } from './sam1.ts'
import { sam2 } from './sam2.ts'
import { sam3 } from './sam3.ts'

/** Every family that the server knows, the most specific first. */
export const FAMILIES: readonly Family[] = [sam3, sam2, sam2Hf, samHf, sam1]
