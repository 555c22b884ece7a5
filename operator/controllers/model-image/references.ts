/** Which endpoints refer to which image, so that a new digest wakes them without a look at every endpoint. */
export type References = {
  /** Notes what the endpoint refers to now; undefined when it is gone. */
  set(endpoint: string, image: string | undefined): void
  /** The endpoints that refer to the image. */
  of(image: string): string[]
}

export function references(): References {
  const imageOf = new Map<string, string>()
  const endpointsOf = new Map<string, Set<string>>()
  return {
    set(endpoint, image) {
      const before = imageOf.get(endpoint)
      if (before === image) return
      if (before !== undefined) {
        endpointsOf.get(before)?.delete(endpoint)
        if (endpointsOf.get(before)?.size === 0) endpointsOf.delete(before)
      }
      if (image === undefined) {
        imageOf.delete(endpoint)
        return
      }
      imageOf.set(endpoint, image)
      const endpoints = endpointsOf.get(image) ?? new Set()
      endpointsOf.set(image, endpoints.add(endpoint))
    },
    of: (image) => [...(endpointsOf.get(image) ?? [])],
  }
}
