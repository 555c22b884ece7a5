import { z } from 'zod'

/**
 * A validation rule of the API server (CEL). Rules, rather than OpenAPI patterns: a pattern's refusal shows a regular
 * expression, a rule's shows our sentence, which says what to write instead.
 */
export type Rule = {
  rule: string
  message: string
  /** The field to name in the refusal, from the one that carries the rule; JSON path. */
  fieldPath?: string
}

/** Attaches rules; `z.toJSONSchema` passes metadata through as it is. */
export function rules(...list: Rule[]): { 'x-kubernetes-validations': Rule[] } {
  return { 'x-kubernetes-validations': list }
}

/** A rule that a string matches an RE2 expression as a whole. */
export function matches(expression: string, message: string): Rule {
  return { rule: `self.matches(${cel(`^(${expression})$`)})`, message }
}

/** A CEL string literal: its escapes are JSON's. */
function cel(text: string): string {
  return JSON.stringify(text)
}

/** A string with a length limit; without limits the API server cannot bound a rule's cost and refuses the whole definition. */
export function text(max: number, min = 1): z.ZodString {
  return min > 0 ? z.string().min(min).max(max) : z.string().max(max)
}

/** RFC 3339, as Kubernetes writes times. */
export function time(): z.ZodString {
  return z.string().max(64).meta({ format: 'date-time' })
}

/** A place in S3 that keys are made under. */
export function s3Prefix(): z.ZodString {
  return text(512).meta(
    rules(
      matches(
        's3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?',
        'must be an S3 URI: write s3://<bucket>/<prefix>/, with the bucket in lower case',
      ),
    ),
  )
}

/** An S3 URI that names one object. */
export function s3Object(): z.ZodString {
  return text(1024).meta(
    rules(
      matches(
        's3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.*[^/]',
        'must name one S3 object: write s3://<bucket>/<key>, with the bucket in lower case',
      ),
    ),
  )
}

/** A topic that SageMaker publishes to. */
export function snsTopicArn(): z.ZodString {
  return text(2048).meta(
    rules(
      matches(
        'arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]+',
        'must be an SNS topic ARN: write arn:aws:sns:<region>:<account id>:<topic>',
      ),
    ),
  )
}

/** A customer-managed or AWS-managed key. */
export function kmsKey(): z.ZodString {
  return text(2048).meta(
    rules(
      matches(
        'arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:(key|alias)/[A-Za-z0-9/_-]+|alias/[A-Za-z0-9/_-]+|(mrk-)?[0-9a-f-]{32,36}',
        'must name a KMS key: write its id, its ARN, or alias/<name>',
      ),
    ),
  )
}

/** A role for SageMaker to assume. */
export function roleArn(): z.ZodString {
  return text(2048, 20).meta(
    rules(
      matches(
        'arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+',
        'must be an IAM role ARN: write arn:aws:iam::<account id>:role/<name>, not a user, a policy or the bare name',
      ),
    ),
  )
}

/** The conditions list of every kind's status. */
export function conditions() {
  return z
    .array(
      z.object({
        type: text(316).describe('Which aspect this speaks about.'),
        status: z.enum(['True', 'False', 'Unknown']).describe('Whether it holds.'),
        reason: text(1024).describe('Why, as a CamelCase constant.'),
        message: text(1024, 0).describe('Why, as a sentence, with the remedy where there is one.'),
        lastTransitionTime: time().describe('When the status last changed.'),
        observedGeneration: generation().describe('The metadata.generation that this speaks about.'),
      }),
    )
    .max(16)
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] })
}

/** A metadata.generation. */
export function generation(): z.ZodInt {
  return z.int().min(0)
}

/**
 * A block that may be left out as a whole. Its default is spelled out, not `{}`: the API server checks a default against the
 * block's own rules before it fills in the defaults inside.
 */
export function defaulted<Shape extends z.ZodRawShape>(block: z.ZodObject<Shape>): z.ZodPrefault<z.ZodObject<Shape>> {
  return block.prefault(block.parse({}) as z.input<typeof block>)
}
