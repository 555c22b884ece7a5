import { z } from 'zod'
import { fits } from './operation-pattern.ts'
import { ApiError, type Faults, type JsonObject } from './service.ts'

/**
 * A fault on calls (`operation`), or a named fault of a service (`name`), such as endpoint.create-fails.
 * It is used up after `times` hits, where given.
 */
export const faultSchema = z
  .object({
    /** `service.Operation`; `*` for either part. */
    operation: z
      .string()
      .regex(/^[a-z0-9*-]+\.[A-Za-z0-9*]+$/, 'operation is service.Operation, such as sagemaker.CreateEndpoint or *.*')
      .optional(),
    name: z.string().max(64).optional(),
    /** Only for this endpoint, model or the like; on calls, for those whose input mentions it. */
    subject: z.string().max(256).optional(),
    /** Of instance.capacity: only instances of this type. */
    instanceType: z.string().max(64).optional(),
    /** What a call meets: an error, a broken connection, a delay, an answer from the past. */
    effect: z.enum(['throttle', 'error', 'drop', 'drop-response', 'delay', 'stale']).optional(),
    code: z.string().max(128).optional(),
    message: z.string().max(1024).optional(),
    status: z.int().min(400).max(599).optional(),
    delayMs: z.int().min(0).max(600_000).optional(),
    times: z.int().min(1).max(1_000_000).optional(),
    /** Of the calls that fit, how many are met: 0..1. */
    probability: z.number().min(0).max(1).optional(),
    /** What a named fault makes of it, such as FailureReason. */
    reason: z.string().max(1024).optional(),
  })
  .strict()
  .refine((fault) => (fault.operation === undefined) !== (fault.name === undefined), 'give operation or name')
  .refine(
    (fault) => fault.operation === undefined || fault.effect !== undefined,
    'a fault on an operation needs an effect',
  )

export type Fault = z.infer<typeof faultSchema>

export type CallFault = { error?: ApiError; drop?: 'before' | 'after'; delayMs?: number; stale?: boolean }

export type FaultBoard = Faults & {
  set(fault: Fault): void
  /** All of them, or those of one subject. */
  clear(subject?: string): void
  list(): (Fault & { hits: number })[]
  /**
   * What a call is to meet; several faults add up.
   * @param mentions whether the call's input says something of this subject
   */
  onCall(service: string, operation: string, mentions?: (subject: string) => boolean): CallFault
}

/** @param random uniform in [0, 1): seeded in tests, so that a failing run can be repeated */
export function faultBoard(random: () => number = Math.random): FaultBoard {
  const faults: (Fault & { hits: number })[] = []

  const use = (fault: Fault & { hits: number }): boolean => {
    if (fault.times !== undefined && fault.hits >= fault.times) return false
    if (fault.probability !== undefined && random() >= fault.probability) return false
    fault.hits++
    return true
  }

  return {
    set: (fault) => void faults.push({ ...faultSchema.parse(fault), hits: 0 }),
    clear(subject) {
      const kept = subject === undefined ? [] : faults.filter((fault) => fault.subject !== subject)
      faults.splice(0, faults.length, ...kept)
    },
    list: () => faults.map((fault) => ({ ...fault })),
    hit(name, subject, { instanceType } = {}) {
      const fault = faults.find(
        (candidate) =>
          candidate.name === name &&
          (candidate.subject === undefined || candidate.subject === subject) &&
          (candidate.instanceType === undefined || candidate.instanceType === instanceType) &&
          use(candidate),
      )
      return fault && (JSON.parse(JSON.stringify(fault)) as JsonObject)
    },
    onCall(service, operation, mentions = () => true) {
      const met: CallFault = {}
      for (const fault of faults) {
        if (!fault.operation || !fits(fault.operation, service, operation)) continue
        if (fault.subject !== undefined && !mentions(fault.subject)) continue
        if (use(fault)) Object.assign(met, effect(fault))
      }
      return met
    },
  }
}

function effect(fault: Fault): CallFault {
  switch (fault.effect) {
    case 'throttle':
      return { error: new ApiError('ThrottlingException', fault.message ?? 'Rate exceeded') }
    case 'error':
      return {
        error: new ApiError(
          fault.code ?? 'InternalServerException',
          fault.message ?? 'We encountered an internal error. Please try again.',
          fault.status ?? (fault.code ? 400 : 500),
        ),
      }
    case 'drop':
      return { drop: 'before' }
    case 'drop-response':
      return { drop: 'after' }
    case 'stale':
      return { stale: true }
    default:
      return { delayMs: fault.delayMs ?? 1000 }
  }
}
