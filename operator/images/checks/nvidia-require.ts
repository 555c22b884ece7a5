import { type Driver, parseVersion, type Version } from './nvidia-drivers.ts'

/** NVIDIA's own images have some forty alternatives. */
const MAX_LENGTH = 16_384

/**
 * Whether the NVIDIA container runtime starts a container with that NVIDIA_REQUIRE_CUDA on the driver: spaces stand for or, commas for and
 * (https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/docker-specialized.html#constraints). What cannot be known of an
 * instance, such as the brand of its GPU, counts as fulfilled.
 */
export function fulfils(requirement: string, driver: Driver): boolean {
  const alternatives = requirement
    .slice(0, MAX_LENGTH)
    .split(/\s+/)
    .filter((alternative) => alternative !== '')
  return (
    alternatives.length === 0 ||
    alternatives.some((alternative) => alternative.split(',').every((constraint) => holds(constraint, driver)))
  )
}

function holds(constraint: string, driver: Driver): boolean {
  const [, subject, operator = '', value = ''] = /^(cuda|driver)(>=|<=|!=|=|>|<)([\d.]+)$/.exec(constraint) ?? []
  const wanted = parseVersion(value)
  if (subject === undefined || !wanted) return true
  // Of the driver, the branch is known and not the release in it.
  const difference = subject === 'cuda' ? compare(driver.cuda, wanted) : driver.branch - wanted[0]
  const sameBranch = subject === 'driver' && difference === 0
  switch (operator) {
    case '>=':
      return difference >= 0
    case '<=':
      return difference <= 0
    case '>':
      return difference > 0 || sameBranch
    case '<':
      return difference < 0 || (sameBranch && value.includes('.'))
    case '=':
      return difference === 0
    default:
      return difference !== 0 || sameBranch
  }
}

function compare(one: Version, other: Version): number {
  return one[0] - other[0] || one[1] - other[1]
}
