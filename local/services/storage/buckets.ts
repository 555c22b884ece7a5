/**
 * Where buckets are, which fauxqs does not know: in the region whose endpoint was asked to create them. S3 answers for a bucket of
 * another region with a redirect that names it.
 */
export type BucketRegions = {
  created(path: string, region: string): void
  /** The bucket's region, where the path names a bucket alone that was created here. */
  of(path: string): string | undefined
}

const MAX_BUCKETS = 10_000

export function bucketRegions(): BucketRegions {
  const regions = new Map<string, string>()
  return {
    created(path, region) {
      const name = bucketOf(path)
      if (name && (regions.has(name) || regions.size < MAX_BUCKETS)) regions.set(name, region)
    },
    of(path) {
      const name = bucketOf(path)
      return name === undefined ? undefined : regions.get(name)
    },
  }
}

function bucketOf(path: string): string | undefined {
  return /^\/([^/?]+)\/?(\?.*)?$/.exec(path)?.[1]
}
