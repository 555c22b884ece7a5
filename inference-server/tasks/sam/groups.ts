/**
 * Works on items in groups that have the same key, at most `limit` in a group, and gives the results in the items' order.
 * Prompts of different lengths would need points of padding, which are not without effect on a mask.
 */
export async function inGroups<Item, Result>(
  items: readonly Item[],
  keyOf: (item: Item) => number,
  limit: number,
  work: (group: readonly Item[]) => Promise<readonly Result[]>,
): Promise<Result[]> {
  const groups: number[][] = []
  const open = new Map<number, number[]>()
  for (const [at, item] of items.entries()) {
    const key = keyOf(item)
    let group = open.get(key)
    if (!group || group.length >= limit) {
      group = []
      open.set(key, group)
      groups.push(group)
    }
    group.push(at)
  }
  const results = new Map<number, Result>()
  await Promise.all(
    groups.map(async (group) => {
      const done = await work(group.flatMap((at) => items.slice(at, at + 1)))
      for (const [index, at] of group.entries()) {
        const result = done[index]
        if (result !== undefined) results.set(at, result)
      }
    }),
  )
  return items.map((_, at) => {
    const result = results.get(at)
    if (result === undefined) throw new TypeError(`there is no result for item ${at}`)
    return result
  })
}
