import { createHash } from 'node:crypto'
import type { ContractTest } from '../../../api/contract-test.ts'
import type { ModelImage } from '../../../api/model-image.ts'
import { IMAGE_ANNOTATIONS } from '../../../api/names.ts'

/** The image to test. */
export type TestedImage = {
  /** Repository and digest. */
  reference: string
  digest: string
  /** As in an image's configuration: amd64, arm64. The node must have it. */
  architecture?: string | undefined
}

/** What the operator's configuration says. */
export type ContractTestConfig = {
  /** The operator's own image, which holds the probe; undefined where contract tests are turned off. */
  image: string | undefined
  pullPolicy: 'Always' | 'IfNotPresent' | 'Never'
}

/** One test that is to be run: everything its objects follow from. */
export type Plan = {
  object: Pick<ModelImage, 'apiVersion' | 'kind' | 'metadata'>
  test: ContractTest
  image: TestedImage
  revision: string
  attempt: number
  probe: { image: string; pullPolicy: ContractTestConfig['pullPolicy'] }
  /** Names of Secrets in the namespace. */
  imagePullSecrets: readonly string[]
}

const HASH_LENGTH = 12
/** With the hash behind it, a name that Pods and labels can carry. */
const MAX_PREFIX = 36

/** Stands for what is asked of the image: changes with the block and with the annotation, not with what the verdict is used for. */
export function revisionOf({ required: _, ...asked }: ContractTest, object: Pick<ModelImage, 'metadata'>): string {
  return hash([sorted(asked), object.metadata.annotations?.[IMAGE_ANNOTATIONS.contractTest] ?? ''])
}

/** Of the NetworkPolicy, and the value of the label that ties Pods to it. */
export function testName({ object, image, revision }: Pick<Plan, 'object' | 'image' | 'revision'>): string {
  const prefix = object.metadata.name.slice(0, MAX_PREFIX).replaceAll('.', '-').replace(/-+$/, '')
  return `${prefix}-contract-${hash([object.metadata.uid, image.digest, revision])}`
}

/** Of the Job: the same for the same attempt, so that one that was made is found again. */
export function jobName(plan: Pick<Plan, 'object' | 'image' | 'revision' | 'attempt'>): string {
  return `${testName(plan)}-${plan.attempt}`
}

function hash(content: unknown): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, HASH_LENGTH)
}

/** The API server keeps no order of fields. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => [name, sorted(member)])
}
