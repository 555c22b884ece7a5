/** Keys in the order in which they are handed out: a turn for each namespace, first come first tail within one. */
export type FairQueue = {
  /** The key must not be in the queue already. */
  push(key: string): void
  shift(): string | undefined
  size(): number
  clear(): void
}

type Link = { key: string; next: Link | undefined }
/** What waits of one namespace, and the namespace whose turn is after it. */
type Line = { namespace: string; first: Link; last: Link; next: Line }

/**
 * Round-robin over the namespaces that have something waiting, so that one with a thousand objects delays another's single object by one
 * pass. A namespace is the key's part before '/'; keys without one share a line. Each operation takes constant time.
 */
export function fairQueue(): FairQueue {
  const lines = new Map<string, Line>()
  /** A ring, known by its last line: the one whose turn comes after all others'. */
  let tail: Line | undefined
  let size = 0

  return {
    push(key) {
      const namespace = key.slice(0, Math.max(0, key.indexOf('/')))
      const link: Link = { key, next: undefined }
      size++
      const known = lines.get(namespace)
      if (known) {
        known.last.next = link
        known.last = link
        return
      }
      const line = { namespace, first: link, last: link } as Line
      lines.set(namespace, line)
      line.next = tail?.next ?? line
      if (tail) tail.next = line
      tail = line
    },
    shift() {
      const line = tail?.next
      if (!tail || !line) return undefined
      const { key, next } = line.first
      size--
      if (next) {
        line.first = next
        tail = line
      } else {
        lines.delete(line.namespace)
        if (tail === line) tail = undefined
        else tail.next = line.next
      }
      return key
    },
    size: () => size,
    clear() {
      lines.clear()
      tail = undefined
      size = 0
    },
  }
}
