import { API_VERSION } from '../../../operator/api/names.ts'
import type { Manifest } from '../../kubernetes.ts'

/** A deep copy with one field set, or removed when the value is undefined. The path is dotted: spec.scaling.minInstances. */
export function withField(manifest: Manifest, path: string, value: unknown): Manifest {
  const copy = structuredClone(manifest)
  const names = path.split('.')
  const last = names.pop()
  if (!last) throw new Error('a path names a field')
  let node: Record<string, unknown> = copy
  for (const name of names) {
    const next = (node[name] ?? {}) as Record<string, unknown>
    node[name] = next
    node = next
  }
  if (value === undefined) delete node[last]
  else node[last] = value
  return copy
}

/** A ModelImage with nothing but what is required. */
export function aModelImage(namespace: string, name = 'sam-lite'): Manifest {
  return {
    apiVersion: API_VERSION,
    kind: 'ModelImage',
    metadata: { name, namespace },
    spec: { image: '123456789012.dkr.ecr.us-east-1.amazonaws.com/sam-lite:1.0.0' },
  }
}

/** An AsyncInferenceEndpoint with nothing but what is required. */
export function anEndpoint(namespace: string, name = 'segment'): Manifest {
  return {
    apiVersion: API_VERSION,
    kind: 'AsyncInferenceEndpoint',
    metadata: { name, namespace },
    spec: {
      region: 'us-east-1',
      executionRoleArn: 'arn:aws:iam::123456789012:role/mooring-execution',
      imageRef: { name: 'sam-lite' },
      instance: { type: 'ml.g5.2xlarge' },
      async: { output: { s3OutputPath: 's3://mooring-demo/output/' } },
    },
  }
}
