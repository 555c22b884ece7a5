import { BlockList, isIP, isIPv6 } from 'node:net'

/**
 * Where instances and Pods find their own credentials: whoever names a registry, or is one, must not have the operator ask there.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html; EKS Pod Identity is at 169.254.170.23 and fd00:ec2::23.
 */
const FORBIDDEN = new BlockList()
FORBIDDEN.addSubnet('169.254.0.0', 16, 'ipv4')
FORBIDDEN.addSubnet('fe80::', 10, 'ipv6')
FORBIDDEN.addSubnet('fd00:ec2::', 32, 'ipv6')
// IPv4 addresses as IPv6-only networks reach them.
FORBIDDEN.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6')
// "This host": some systems answer there as on loopback.
FORBIDDEN.addSubnet('0.0.0.0', 8, 'ipv4')
FORBIDDEN.addAddress('::', 'ipv6')

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

/** Whether it is an address that no registry may be at; a name is none. */
export function isForbidden(hostname: string): boolean {
  return isIn(FORBIDDEN, hostname)
}

export function isLoopback(hostname: string): boolean {
  return isIn(LOOPBACK, hostname) || /^(?:.+\.)?localhost\.?$/i.test(hostname)
}

function isIn(list: BlockList, hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, '')
  if (isIP(address) === 0) return false
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}
