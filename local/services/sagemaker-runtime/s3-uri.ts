/** An S3 location as an s3:// URI: SageMaker takes https:// ones too, with the bucket in the host or first in the path. */
export function s3Uri(location: string): string {
  if (!location.startsWith('https://')) return location
  const { hostname, pathname } = new URL(location)
  const key = decodeURIComponent(pathname.slice(1))
  const inHost = /^(.+)\.s3[.-][a-z0-9.-]*amazonaws\.com(\.cn)?$/.exec(hostname)
  return inHost ? `s3://${inHost[1]}/${key}` : `s3://${key}`
}
