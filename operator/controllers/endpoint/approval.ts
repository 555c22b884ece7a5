import { namedBuckets } from './buckets.ts'
import { failing, type Halt, type Pass } from './pass.ts'

/** Says what the spec names that is not approved for the namespace, if anything is. */
export function refusedByApproval(pass: Pass): (() => Halt) | undefined {
  const { object, spec, approved, intervals } = pass
  const namespace = object.metadata.namespace ?? ''
  const ask = 'or ask whoever runs the operator to approve it (chart value approved).'
  if (!approved.allows(namespace, 'roles', spec.executionRoleArn))
    return () => {
      const message = `Use a role that is approved for this namespace in spec.executionRoleArn, ${ask}`
      return failing(pass, 'ModelReady', 'RoleNotApproved', message, intervals.settled)
    }
  const wrong = namedBuckets(spec).find(({ bucket }) => !approved.allows(namespace, 'buckets', bucket))
  if (!wrong) return undefined
  return () => {
    const message = `Use a bucket that is approved for this namespace in spec.${wrong.field} instead of ${wrong.bucket}, ${ask}`
    return failing(pass, 'ConfigReady', 'BucketNotApproved', message, intervals.settled)
  }
}
