/** RFC 3339 in whole seconds, as Kubernetes' metav1.Time has them. */
export function timestamp(time: Date): string {
  return time.toISOString().replace(/\.\d{3}Z$/, 'Z')
}
