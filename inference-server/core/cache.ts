/** A value with the memory that it holds, and what is to be done when it is neither kept nor used any more. */
export type Sized<Value> = { value: Value; bytes: number; free?: () => void }

/** Takes a function that is to be called, once, when the value is used no more. */
export type Hold = (release: () => void) => void

type Entry = Sized<unknown> & { users: number; kept: boolean }
type Making = { users: number; entry: Promise<Entry> }

/**
 * Keeps what was used last, up to a number of bytes; what is being made is made once for all who ask for it meanwhile.
 */
export class Cache {
  readonly #entries = new Map<string, Entry>()
  readonly #making = new Map<string, Making>()
  readonly #capacity: number
  #bytes = 0

  /** `capacity` in bytes; 0 keeps nothing. */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#entries.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /**
   * The value of that key, made if it is not there. The same key must always stand for the same type. Whoever waited for
   * another's value that could not be made (its caller may have left) makes it himself. A value that is to be freed is not before
   * what `hold` got was called, by each who has it.
   */
  async get<Value>(key: string, make: () => Promise<Sized<Value>>, hold: Hold): Promise<Value> {
    const known = this.#entries.get(key)
    if (known) {
      // A Map iterates in order of insertion: putting it back makes it the youngest.
      this.#entries.delete(key)
      this.#entries.set(key, known)
      known.users++
      return held<Value>(known, hold)
    }
    const other = this.#making.get(key)
    if (other) {
      // Counted at once: when it is made, it must not be freed before this continues.
      other.users++
      const made = await other.entry.catch(() => undefined)
      return made ? held<Value>(made, hold) : this.get(key, make, hold)
    }
    const making: Making = { users: 1, entry: this.#make(key, make, () => making.users) }
    this.#making.set(key, making)
    return held<Value>(await making.entry, hold)
  }

  clear(): void {
    for (const [key, entry] of this.#entries) this.#forget(key, entry)
  }

  async #make(key: string, make: () => Promise<Sized<unknown>>, users: () => number): Promise<Entry> {
    try {
      const sized = await make()
      const entry = { ...sized, users: users(), kept: false }
      this.#keep(key, entry)
      return entry
    } finally {
      this.#making.delete(key)
    }
  }

  #keep(key: string, entry: Entry): void {
    if (entry.bytes > this.#capacity) return
    entry.kept = true
    this.#entries.set(key, entry)
    this.#bytes += entry.bytes
    for (const [oldest, old] of this.#entries) {
      if (this.#bytes <= this.#capacity) break
      this.#forget(oldest, old)
    }
  }

  #forget(key: string, entry: Entry): void {
    this.#entries.delete(key)
    this.#bytes -= entry.bytes
    entry.kept = false
    if (entry.users === 0) entry.free?.()
  }
}

function held<Value>(entry: Entry, hold: Hold): Value {
  if (entry.free) {
    hold(() => {
      entry.users--
      if (entry.users === 0 && !entry.kept) entry.free?.()
    })
  }
  return entry.value as Value
}
