import { clip } from './clip.ts'
import { depth } from './depth.ts'
import { encoder } from './encoder.ts'
import type { Family } from './family.ts'
import { gaussians } from './gaussians.ts'
import { sam1 } from './sam1.ts'
import { tabular } from './tabular.ts'

/** Every family that the server knows, the most specific first. */
export const FAMILIES: readonly Family[] = [sam1, clip, gaussians, depth, tabular, encoder]
