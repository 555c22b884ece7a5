/** What a GPU instance has: the branch of its driver, and the newest CUDA that the driver itself knows. */
export type Driver = { branch: number; cuda: Version }
/** Major and minor. */
export type Version = readonly [number, number]

const R470: Driver = { branch: 470, cuda: [11, 4] }
const R535: Driver = { branch: 535, cuda: [12, 2] }
const R550: Driver = { branch: 550, cuda: [12, 4] }
const R580: Driver = { branch: 580, cuda: [13, 0] }

/** https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html, InferenceAmiVersion */
const BY_AMI: Readonly<Record<string, Driver>> = {
  'al2-ami-sagemaker-inference-gpu-2': R535,
  'al2-ami-sagemaker-inference-gpu-2-1': R535,
  'al2-ami-sagemaker-inference-gpu-3-1': R550,
  'al2023-ami-sagemaker-inference-gpu-4-1': R580,
}

/**
 * Without an AMI version, by family: https://docs.aws.amazon.com/sagemaker/latest/dg/inference-gpu-drivers.html. AWS raises them over time,
 * and names no driver there for families that are not in this table.
 */
const BY_FAMILY: Readonly<Record<string, Driver>> = {
  p2: R470,
  p3: R470,
  p4d: R470,
  p4de: R470,
  g4dn: R470,
  g5: R470,
  p5: R535,
  g6: R535,
  p5e: R550,
  p5en: R550,
}

/**
 * The oldest branch that runs a toolkit of each major version without its compatibility libraries:
 * https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html. Newer drivers run older toolkits.
 */
const OLDEST_BRANCH: Readonly<Record<number, number>> = { 10: 410, 11: 450, 12: 525, 13: 580 }

/** Whether the instance type has NVIDIA GPUs: families p and g, but not the Graviton ones in between, such as m6g. */
export function hasGpu(instanceType: string): boolean {
  return /^ml\.(?:p\d|g\d|gr\d)/.test(instanceType)
}

/** Undefined where AWS does not say. */
export function driverOf(instanceType: string, inferenceAmiVersion?: string): Driver | undefined {
  if (inferenceAmiVersion !== undefined) return BY_AMI[inferenceAmiVersion]
  return BY_FAMILY[/^ml\.([a-z0-9-]+)\./.exec(instanceType)?.[1] ?? '']
}

/** The branch that a toolkit of that version needs; undefined for versions that are not known. */
export function oldestBranch([major]: Version): number | undefined {
  return OLDEST_BRANCH[major]
}

/** As CUDA_VERSION and NVIDIA_REQUIRE_CUDA write it: 12.4.1, 12.4, 12. */
export function parseVersion(text: string): Version | undefined {
  const [, major, minor = '0'] = /^(\d{1,4})(?:\.(\d{1,4}))?/.exec(text) ?? []
  return major === undefined ? undefined : [Number(major), Number(minor)]
}
