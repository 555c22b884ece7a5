import { clip } from './clip.ts'
import { depth } from './depth.ts'
import { encoder } from './encoder.ts'
import type { Family } from './family.ts'
import { gaussians } from './gaussians.ts'
import { sam2Hf, samHf } from './sam-hf.ts'
import { sam1 } from './sam1.ts'
import { sam2 } from './sam2.ts'
import { sam3 } from './sam3.ts'
import { tabular } from './tabular.ts'

/** Every family that the server knows, the most specific first. */
export const FAMILIES: readonly Family[] = [sam3, sam2, sam2Hf, samHf, sam1, clip, gaussians, depth, tabular, encoder]
