import { imageChecks } from '../../../../operator/api/image-checks.ts'
import type { Target } from '../../../../operator/images/checks/finding.ts'
import { runChecks } from '../../../../operator/images/checks/run.ts'
import type { CheckResult } from '../../../../operator/images/checks.ts'
import { inspect } from '../../../../operator/images/inspect.ts'
import { fileIndex } from '../../../../operator/images/layers/files.ts'
import { ociSource } from '../../../../operator/images/oci/source.ts'
import { parseReference } from '../../../../operator/images/reference.ts'
import type { TestRegistry } from '../../../registry.ts'
import { type GivenChecks, NOW } from './images.ts'

/** @param image <repository>:<tag> in the registry */
export type CheckIn = (image: string, given?: GivenChecks, target?: Target) => Promise<CheckResult[]>

/** Checks images of the registry as the operator and the command do it: by the registry's own protocol. */
export function checksIn({ host }: TestRegistry): CheckIn {
  const files = fileIndex()
  return async (image, given = {}, target = { instanceTypes: [] }) => {
    const reference = parseReference(`${host}/${image}`)
    if (!reference) throw new TypeError(`${host}/${image} is no reference`)
    const source = ociSource({ reference, fetch, now: Date.now, plainHttp: [host] })
    const signal = AbortSignal.timeout(60_000)
    const facts = await inspect(source, reference, { os: 'linux', architecture: 'amd64' }, signal)
    return await runChecks(imageChecks.parse(given), facts, { source, files, target, now: NOW, signal })
  }
}
