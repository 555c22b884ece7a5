import type { End } from '../../operator/images/contract/container-end.ts'
import type { Phase } from '../../operator/images/contract/result.ts'

/** A server under test: a process of this machine, or a container. */
export type Target = {
  /** Where it is reached on loopback. */
  port: number
  /** Where it is to listen, seen from itself. */
  listensOn: number
  /** Resolves when it ends, asked or not. */
  ended: Promise<End>
  /** SIGTERM, then SIGKILL after so many seconds. Answers how that went. */
  terminate(limitSeconds: number): Promise<Phase>
  /** Its output so far, or the end of it. */
  output(): Promise<string>
  /** Leaves nothing behind, whatever state it is in. */
  remove(): Promise<void>
}

/** What a target is started with. */
export type TargetOptions = {
  environment: Record<string, string>
  /** A folder of this machine, read-only at /opt/ml/model. */
  modelData?: string | undefined
  /** 0: any that is free. Undefined: SageMaker's, or any where that is taken. */
  port: number | undefined
}
