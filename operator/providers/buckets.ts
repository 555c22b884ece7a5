import type { HeadBucketCommandInput, HeadBucketCommandOutput } from '@aws-sdk/client-s3'
import { type Operation, within } from './call.ts'
import { bucketRegionIn, isNoBucket, isTransient } from './errors.ts'

export type BucketApi = { headBucket: Operation<HeadBucketCommandInput, HeadBucketCommandOutput> }

/** Where a bucket is. 'unknown': this operator may not look, which says nothing of what the execution role may. */
export type BucketPlace =
  | { kind: 'absent' }
  | { kind: 'here' }
  | { kind: 'elsewhere'; region: string }
  | { kind: 'unknown' }

/** A bucket that is there seldom goes: a thousand objects that name it look at it once. */
const GOOD_FOR_MS = 600_000
/** One that was found wanting is looked at again soon: somebody is making it. */
const BAD_FOR_MS = 10_000
/** Fewer than the buckets that an account may have by default would be many for one cluster. */
const MAX_KNOWN = 1_000

/** S3's buckets, as seen from one region. */
export function buckets(region: string, api: BucketApi, now: () => number) {
  const known = new Map<string, { place: Promise<BucketPlace>; until: number }>()

  const ask = async (bucket: string, signal: AbortSignal): Promise<BucketPlace> => {
    try {
      const { BucketRegion } = await api.headBucket({ Bucket: bucket }, within(signal))
      return placeIn(BucketRegion)
    } catch (error) {
      if (isNoBucket(error)) return { kind: 'absent' }
      // S3 names the region also when it redirects or forbids.
      const other = bucketRegionIn(error)
      if (other !== undefined && other !== region) return { kind: 'elsewhere', region: other }
      if (isTransient(error)) throw error
      return { kind: 'unknown' }
    }
  }
  const placeIn = (other: string | undefined): BucketPlace =>
    other === undefined || other === region ? { kind: 'here' } : { kind: 'elsewhere', region: other }

  return {
    /** At most one call per bucket in ten minutes, whoever asks. */
    async look(bucket: string, signal: AbortSignal): Promise<BucketPlace> {
      const remembered = known.get(bucket)
      if (remembered && remembered.until > now()) return await remembered.place
      const place = ask(bucket, signal)
      const entry = { place, until: now() + GOOD_FOR_MS }
      known.delete(bucket)
      known.set(bucket, entry)
      if (known.size > MAX_KNOWN) known.delete(known.keys().next().value as string)
      try {
        const { kind } = await place
        if (kind === 'absent' || kind === 'elsewhere') entry.until = now() + BAD_FOR_MS
      } catch (error) {
        if (known.get(bucket) === entry) known.delete(bucket)
        throw error
      }
      return await place
    },
  }
}

export type Buckets = ReturnType<typeof buckets>
