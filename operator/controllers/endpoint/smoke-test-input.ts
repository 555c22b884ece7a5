import { MAX_INLINE_BYTES } from '../../api/smoke-test.ts'
import { isNotFound, KubeError } from '../../kube/errors.ts'
import type { ResourceType } from '../../kube/types.ts'
import type { Pass } from './pass.ts'

export const CONFIG_MAPS: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
}

type Input = NonNullable<Pass['spec']['smokeTest']>['input']
/** What InvokeEndpointAsync takes, or what is missing and how to mend it. */
export type RequestBody = { InputLocation: string } | { Body: Uint8Array } | { missing: string }

/** The body of the test's request. Reads the ConfigMap where there is one. */
export async function requestBody(input: Input, configMap: Pass['configMap']): Promise<RequestBody> {
  if (input.s3Uri) return { InputLocation: input.s3Uri }
  if (!input.configMapKeyRef) return { Body: new TextEncoder().encode(input.inline ?? '') }
  const { name, key } = input.configMapKeyRef
  try {
    const { data, binaryData } = await configMap(name)
    const text = data?.[key]
    const binary = binaryData?.[key]
    if (text === undefined && binary === undefined)
      return {
        missing: `Add the key ${key} to the ConfigMap ${name}, or correct spec.smokeTest.input.configMapKeyRef.`,
      }
    const body = text === undefined ? Buffer.from(binary ?? '', 'base64') : Buffer.from(text)
    if (body.byteLength > MAX_INLINE_BYTES)
      return {
        missing: `Put the input into S3 and give its s3Uri: the key ${key} of the ConfigMap ${name} has ${body.byteLength} bytes, SageMaker takes ${MAX_INLINE_BYTES} in a request.`,
      }
    return { Body: body }
  } catch (error) {
    if (isNotFound(error))
      return {
        missing: `Apply a ConfigMap ${name} in this namespace, or correct spec.smokeTest.input.configMapKeyRef.`,
      }
    if (error instanceof KubeError && error.code === 403)
      return {
        missing: `Let the operator get ConfigMaps (chart value rbac.configMaps), or give the input inline or in S3: it may not read ${name}.`,
      }
    throw error
  }
}
