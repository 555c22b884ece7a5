import { type Check, defect, pass } from './finding.ts'

const MEGABYTE = 1_000_000
const GIGABYTE = 1000 * MEGABYTE
/** overlayfs, under Docker and containerd alike, mounts 128 layers, one of which is the container's own. */
const MAX_LAYERS = 127

/** How long a new instance pulls before it can serve, and whether it can be unpacked at all. */
export const size: Check<'size'> = {
  find({ maxGigabytes }, { sizeBytes, layers }) {
    if (layers.length > MAX_LAYERS)
      return defect(
        `The image has ${layers.length} layers, and a container runtime mounts at most ${MAX_LAYERS}: join RUN and COPY steps, or build in stages.`,
      )
    const amount = `${sized(sizeBytes)} in ${layers.length} ${layers.length === 1 ? 'layer' : 'layers'}`
    if (sizeBytes > maxGigabytes * GIGABYTE)
      return defect(
        `The image has ${amount}, more than ${maxGigabytes} GB: each new instance pulls all of it before it serves. Leave build tools out, or fetch models from S3 at the start.`,
      )
    return pass(`The image has ${amount}.`)
  },
}

function sized(bytes: number): string {
  return bytes < GIGABYTE ? `${Math.ceil(bytes / MEGABYTE)} MB` : `${(bytes / GIGABYTE).toFixed(1)} GB`
}
