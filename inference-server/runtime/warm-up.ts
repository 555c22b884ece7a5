import type { Handlers } from './sam1-operations.ts'

/** Runs every operation once on a small grey picture, so that the first request finds memory and kernels ready. */
export async function warmUp(handlers: Handlers): Promise<void> {
  const size = { width: 1024, height: 768 }
  const embedding = await handlers.embed({
    image: { ...size, data: new Uint8Array(size.width * size.height * 3).fill(128) },
  })
  await handlers.segment({
    embedding,
    original: size,
    prompt: { points: [[512, 384]], labels: [1], multimask: true },
  })
}
