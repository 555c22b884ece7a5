/** A value with the memory that it holds. */
export type Sized<Value> = { value: Value; bytes: number }

/**
 * Keeps what was used last, up to a number of bytes; what is being made is made once for all who ask for it meanwhile.
 */
export class Cache {
  readonly #entries = new Map<string, Sized<unknown>>()
  readonly #making = new Map<string, Promise<unknown>>()
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
   * another's value that could not be made (its caller may have left) makes it himself.
   */
  async get<Value>(key: string, make: () => Promise<Sized<Value>>): Promise<Value> {
    const known = this.#entries.get(key)
    if (known) {
      // A Map iterates in order of insertion: putting it back makes it the youngest.
      this.#entries.delete(key)
      this.#entries.set(key, known)
      return known.value as Value
    }
    const other = this.#making.get(key)
    if (other) {
      const made = await other.then(
        (value) => ({ value: value as Value }),
        () => undefined,
      )
      return made ? made.value : this.get(key, make)
    }
    const making = make().then((sized) => {
      this.#keep(key, sized)
      return sized.value
    })
    this.#making.set(key, making)
    try {
      return await making
    } finally {
      this.#making.delete(key)
    }
  }

  clear(): void {
    this.#entries.clear()
    this.#bytes = 0
  }

  #keep(key: string, sized: Sized<unknown>): void {
    if (sized.bytes > this.#capacity) return
    this.#entries.set(key, sized)
    this.#bytes += sized.bytes
    for (const [oldest, { bytes }] of this.#entries) {
      if (this.#bytes <= this.#capacity) break
      this.#entries.delete(oldest)
      this.#bytes -= bytes
    }
  }
}
