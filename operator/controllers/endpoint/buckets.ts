import type { AsyncInferenceEndpointSpec } from '../../api/async-inference-endpoint.ts'
import type { Reason } from '../../api/reasons.ts'
import { bucketUnusable } from './events.ts'
import { contentHash } from './names.ts'
import { failing, type Outcome, type Pass, type PinnedPass } from './pass.ts'
import { isVerified, noteVerified } from './verified.ts'

/** A bucket that the spec names; `inRegion`: SageMaker reaches it in the endpoint's region only. */
export type NamedBucket = { field: string; bucket: string; inRegion: boolean }

/** The buckets of a spec, by the field that names them. */
export function namedBuckets({
  async: { output },
  modelDataUrl,
  smokeTest,
}: AsyncInferenceEndpointSpec): NamedBucket[] {
  const uris: [field: string, uri: string | undefined, inRegion: boolean][] = [
    ['async.output.s3OutputPath', output.s3OutputPath, true],
    ['async.output.s3FailurePath', output.s3FailurePath, true],
    ['modelDataUrl', modelDataUrl, true],
    ['smokeTest.input.s3Uri', smokeTest?.input?.s3Uri, false],
  ]
  return uris.flatMap(([field, uri, inRegion]) => {
    const bucket = /^s3:\/\/([^/]+)/.exec(uri ?? '')?.[1]
    return bucket ? [{ field, bucket, inRegion }] : []
  })
}

/**
 * Looks at the buckets before a GPU starts: SageMaker creates an endpoint whose output has nowhere to go, and says so with the first
 * request. An endpoint that serves with this configuration already is warned about, not held up: its instances run.
 */
export async function bucketsStep(pass: PinnedPass): Promise<Outcome> {
  const { spec, status, target, conditions, intervals, providers, signal } = pass
  const serves = status.endpointConfigName === target.configName && conditions.isTrue('EndpointInService')
  const named = namedBuckets(spec)
  const revision = contentHash({ named, region: spec.region })
  if (isVerified(pass, 'buckets', revision)) return { kind: 'proceed' }
  for (const each of named) {
    const place = await providers.buckets.look(each.bucket, signal).catch((error: unknown) => {
      // An endpoint that runs is looked after also while S3 does not answer.
      if (!serves || signal.aborted) throw error
      return { kind: 'unknown' } as const
    })
    const mistake = mistakeIn(each, spec.region, place)
    if (!mistake) continue
    if (!serves) return failing(pass, 'ConfigReady', mistake.reason, mistake.message, intervals.settled)
    pass.emit(bucketUnusable(mistake.reason, mistake.message))
  }
  noteVerified(pass, 'buckets', revision)
  return { kind: 'proceed' }
}

type Place = Awaited<ReturnType<Pass['providers']['buckets']['look']>>

function mistakeIn(
  { field, bucket, inRegion }: NamedBucket,
  region: string,
  place: Place,
): { reason: Reason; message: string } | undefined {
  if (place.kind === 'absent')
    return {
      reason: 'BucketNotFound',
      message: `Create the bucket ${bucket} in ${region}, or correct spec.${field}: S3 has no bucket of that name.`,
    }
  if (place.kind === 'elsewhere' && inRegion)
    return {
      reason: 'BucketInOtherRegion',
      message: `Name a bucket in ${region} in spec.${field}, or run the endpoint in ${place.region}: that is where the bucket ${bucket} is, and SageMaker uses none of another region.`,
    }
  return undefined
}
