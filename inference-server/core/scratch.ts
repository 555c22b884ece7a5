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

/** Kept no longer than for one use beyond this size. */
const MOST_KEPT_BYTES = 64 * 1024 * 1024

/**
 * Memory for what a function needs no longer than until it returns, the same at every call: megabytes made anew are zeroed, mapped
 * page by page, and then make the thread's garbage be collected. Whatever the last user left is in it. Not for what awaits.
 */
export function workspace(): (bytes: number) => ArrayBuffer {
  let kept = new ArrayBuffer(0)
  return (bytes) => {
    if (bytes > MOST_KEPT_BYTES) return new ArrayBuffer(bytes)
    if (kept.byteLength < bytes) kept = new ArrayBuffer(bytes)
    return kept
  }
}
