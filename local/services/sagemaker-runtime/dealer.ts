import type { InvocableFleet } from '../sagemaker/index.ts'

/** Deals an endpoint's requests to its fleets in proportion to their shares. */
export type Dealer = {
  /** Those that get traffic, the one that is furthest behind its share first. */
  order(fleets: readonly InvocableFleet[]): InvocableFleet[]
  took(fleet: InvocableFleet): void
}

export function dealer(): Dealer {
  let dealt = new Map<string, number>()
  let shares = ''
  return {
    order(fleets) {
      const active = fleets.filter(({ share }) => share > 0)
      const now = JSON.stringify(active.map(({ id, share }) => [id, share]))
      // A new share counts from now on: nobody has to make up for the time before it.
      if (now !== shares) {
        shares = now
        dealt = new Map()
      }
      const behind = ({ id, share }: InvocableFleet) => ((dealt.get(id) ?? 0) + 1) / share
      return active.sort((a, b) => behind(a) - behind(b))
    },
    took: ({ id }) => void dealt.set(id, (dealt.get(id) ?? 0) + 1),
  }
}
