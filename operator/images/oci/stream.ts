/**
 * The same stream, which ends with an error when nothing comes for that long, or when the signal says so.
 * @param idleMs between two pieces
 * @param explain what to throw instead of an error
 */
export function bounded(
  stream: ReadableStream<Uint8Array>,
  idleMs: number,
  signal: AbortSignal,
  explain: (cause: unknown) => unknown,
): ReadableStream<Uint8Array> {
  const reader = stream.getReader()
  return new ReadableStream(
    {
      async pull(controller) {
        const { promise, reject } = Promise.withResolvers<never>()
        const onAbort = () => reject(signal.reason)
        const timer = setTimeout(
          () => reject(new DOMException(`nothing came for ${idleMs} ms`, 'TimeoutError')),
          idleMs,
        )
        if (signal.aborted) onAbort()
        else signal.addEventListener('abort', onAbort, { once: true })
        try {
          const { done, value } = await Promise.race([reader.read(), promise])
          if (done) controller.close()
          else controller.enqueue(value)
        } catch (error) {
          // What is not awaited: a source may take its time to let go.
          reader.cancel(error).catch(() => {})
          throw explain(error)
        } finally {
          clearTimeout(timer)
          signal.removeEventListener('abort', onAbort)
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}
