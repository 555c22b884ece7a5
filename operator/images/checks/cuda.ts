import type { ImageConfig } from '../facts.ts'
import { type Check, defect, doubt, type Finding, notApplicable, pass, type Target } from './finding.ts'
import { driverOf, hasGpu, oldestBranch, parseVersion } from './nvidia-drivers.ts'
import { fulfils } from './nvidia-require.ts'
import { shown } from './text.ts'

/** Of images by NVIDIA that are older than the variable. */
const OLD_LABEL = 'com.nvidia.cuda.version'
const NEWER_DRIVER = 'set inferenceAmiVersion of the endpoint and in spec.target to one with a newer driver'

/**
 * The image's CUDA runs on the instances' driver. Where it does not, the container never starts, and SageMaker shows neither logs nor a
 * cause.
 */
export const cuda: Check<'cuda'> = {
  find(_, { config }, { target }) {
    const { env, labels } = config
    const requirement = disabled(env.NVIDIA_DISABLE_REQUIRE) ? '' : (env.NVIDIA_REQUIRE_CUDA ?? '')
    const version = env.CUDA_VERSION ?? labels[OLD_LABEL] ?? ''
    if (requirement === '' && version === '') return undefined
    if (target.instanceTypes.length === 0)
      return notApplicable(
        'The image has CUDA; name the instance types in spec.target to have it compared with their driver.',
      )
    const gpus = target.instanceTypes.filter(hasGpu)
    if (gpus.length === 0) return pass('The image has CUDA, and the instances have no NVIDIA GPU: it must run without.')
    const findings = gpus.map((type) => onInstance(type, target, requirement, version))
    return (
      findings.find(({ kind }) => kind === 'defect') ??
      findings.find(({ kind }) => kind === 'doubt') ??
      findings.find(({ kind }) => kind === 'unknown') ??
      findings[0]
    )
  },
}

function onInstance(type: string, { inferenceAmiVersion }: Target, requirement: string, version: string): Finding {
  const driver = driverOf(type, inferenceAmiVersion)
  if (!driver)
    return notApplicable(
      `Which driver ${shown(type, 40)} has is not known: set inferenceAmiVersion of the endpoint and in spec.target.`,
    )
  const machine = `${shown(type, 40)} with driver ${driver.branch} (CUDA ${driver.cuda.join('.')})`
  if (!fulfils(requirement, driver))
    return defect(
      `The image's NVIDIA_REQUIRE_CUDA keeps it from starting on ${machine}: ${NEWER_DRIVER}, or build upon an older CUDA.`,
    )
  const parsed = parseVersion(version)
  const oldest = parsed && oldestBranch(parsed)
  if (!parsed || !oldest) return pass(`The image starts on ${machine}.`)
  const has = `CUDA ${shown(version, 20)}`
  // NVIDIA's compatibility libraries, in most of its images, may save it: see docs/image-checks.md.
  if (driver.branch < oldest)
    return doubt(
      `The image has ${has}, which needs driver ${oldest}, or its cuda-compat libraries, on ${machine}: ${NEWER_DRIVER}.`,
    )
  return pass(`The image has ${has}, which runs on ${machine}.`)
}

/** As libnvidia-container reads it: Go's strconv.ParseBool. */
function disabled(value: ImageConfig['env'][string] | undefined): boolean {
  return value !== undefined && /^(1|t|T|true|TRUE|True)$/.test(value)
}
