import type { AsyncInferenceEndpointSpec } from '../../api/async-inference-endpoint.ts'
import { fallingBack } from './events.ts'
import { contentHash } from './names.ts'
import { type Halt, type Pass, waiting } from './pass.ts'
import { retryOf } from './target.ts'

/** All that the endpoint may run on, the preferred first. */
export function instanceTypes({ type, fallback }: AsyncInferenceEndpointSpec['instance']): string[] {
  return [type, ...(fallback?.types ?? [])]
}

/**
 * The instance type to use now. Where Mooring falls back by itself, the one that it came to stays until the list or the annotation
 * mooring.dev/retry changes: going back by itself would be an update that nobody asked for.
 */
export function chooseInstanceType(pass: Pass): string {
  const { spec, status } = pass
  const types = instanceTypes(spec.instance)
  if (spec.instance.fallback?.mode !== 'InOrder') {
    delete status.fallback
    delete status.instanceType
    return spec.instance.type
  }
  const of = listOf(pass)
  if (status.fallback?.of !== of) status.fallback = { of, index: 0 }
  status.instanceType = types[status.fallback.index] ?? spec.instance.type
  return status.instanceType
}

/** Goes on to the next instance type after one that AWS had none of; undefined when all were tried, and the first is next again. */
export function tryNextType(pass: Pass): Halt | undefined {
  const next = fallBack(pass)
  if (next === undefined) return undefined
  pass.emit(fallingBack(next))
  const message = `AWS had no such instance free: trying ${next}.`
  return waiting(pass, 'EndpointInService', 'InsufficientCapacity', message, 0)
}

function fallBack(pass: Pass): string | undefined {
  const { spec, status } = pass
  if (spec.instance.fallback?.mode !== 'InOrder') return undefined
  const types = instanceTypes(spec.instance)
  const index = ((status.fallback?.index ?? 0) + 1) % types.length
  status.fallback = { of: listOf(pass), index }
  return index === 0 ? undefined : types[index]
}

function listOf(pass: Pass): string {
  return contentHash({ types: instanceTypes(pass.spec.instance), ...retryOf(pass) })
}
