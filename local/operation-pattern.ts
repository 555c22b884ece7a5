/** `service`, or `service.Operation`; either part may be `*`, or end with it. */
export const PATTERN = /^([a-z0-9-]+\*?|\*)(\.([A-Za-z0-9]+\*?|\*))?$/

/** Whether a call is among those that the pattern names. Without an operation, all of the service's. */
export function fits(pattern: string, service: string, operation: string): boolean {
  const [wantedService = '*', wantedOperation = '*'] = pattern.split('.')
  return matches(wantedService, service) && matches(wantedOperation, operation)
}

function matches(wanted: string, actual: string): boolean {
  return wanted.endsWith('*') ? actual.startsWith(wanted.slice(0, -1)) : wanted === actual
}
