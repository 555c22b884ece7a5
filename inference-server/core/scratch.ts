export type Scratch = {
  /** Memory of the size agreed on, with whatever the last user left in it. */
  borrow(): SharedArrayBuffer
  /** For the next one. What may still be written to, by a thread that missed its deadline, is not given back. */
  giveBack(memory: SharedArrayBuffer): void
}

/**
 * Shared memory that is used again and again, for tensors of one large size. Made anew for every request, a picture of 12 MB that passes through
 * the main thread has its garbage collected every few requests, for tens of milliseconds, in which nothing is answered.
 */
export function scratch(bytes: number, keep: number): Scratch {
  const free: SharedArrayBuffer[] = []
  return {
    borrow: () => free.pop() ?? new SharedArrayBuffer(bytes),
    giveBack(memory) {
      if (free.length < keep) free.push(memory)
    },
  }
}
