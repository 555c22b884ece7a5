import { validation } from './errors.ts'

/** The patterns of SageMaker's service model. */
export const NAME = '[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}'
export const MODEL_NAME = '[a-zA-Z0-9]([\\-a-zA-Z0-9]*[a-zA-Z0-9])?'
export const ROLE_ARN = 'arn:aws[a-z\\-]*:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+'
export const S3_URI = '(https|s3)://([^/])/?(.*)'
export const TOPIC_ARN = 'arn:aws[a-z\\-]*:sns:[a-z0-9\\-]*:[0-9]{12}:[a-zA-Z0-9_.-]+'
export const ENVIRONMENT_KEY = '[a-zA-Z_][a-zA-Z0-9_]*'

export type Rule = {
  required?: boolean
  pattern?: string
  minLength?: number
  maxLength?: number
  min?: number
  max?: number
  oneOf?: readonly string[]
}

/** Collects what is wrong with a request's members and throws it as AWS's front end words it. */
export type Constraints = {
  member(path: string, value: unknown, rule: Rule): Constraints
  /** @throws ApiError ValidationException naming every violation. */
  verify(): void
}

export function constraints(): Constraints {
  const found: string[] = []
  const report = (path: string, value: unknown, must: string) =>
    found.push(
      value === undefined
        ? `Value at '${path}' failed to satisfy constraint: Member must ${must}`
        : `Value '${typeof value === 'object' ? JSON.stringify(value) : value}' at '${path}' failed to satisfy constraint: Member must ${must}`,
    )
  const self: Constraints = {
    member(path, value, rule) {
      if (value === undefined || value === null) {
        if (rule.required) report(path, undefined, 'not be null')
        return self
      }
      if (rule.pattern && !new RegExp(`^(?:${rule.pattern})$`, 'u').test(String(value)))
        report(path, value, `satisfy regular expression pattern: ${rule.pattern}`)
      const length = typeof value === 'string' || Array.isArray(value) ? value.length : undefined
      if (rule.maxLength !== undefined && length !== undefined && length > rule.maxLength)
        report(path, value, `have length less than or equal to ${rule.maxLength}`)
      if (rule.minLength !== undefined && length !== undefined && length < rule.minLength)
        report(path, value, `have length greater than or equal to ${rule.minLength}`)
      if (rule.min !== undefined && Number(value) < rule.min)
        report(path, value, `have value greater than or equal to ${rule.min}`)
      if (rule.max !== undefined && Number(value) > rule.max)
        report(path, value, `have value less than or equal to ${rule.max}`)
      if (rule.oneOf && !rule.oneOf.includes(String(value)))
        report(path, value, `satisfy enum value set: [${rule.oneOf.join(', ')}]`)
      return self
    },
    verify() {
      if (found.length === 0) return
      throw validation(`${found.length} validation error${found.length > 1 ? 's' : ''} detected: ${found.join('; ')}`)
    },
  }
  return self
}
