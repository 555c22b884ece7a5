import { encodeGreyscalePng } from '../../images/png.ts'
import { embedImage } from '../embed.ts'
import type { Task } from '../task.ts'
import { checkWithin, readPrompt } from './prompt.ts'

/** The mask of what points or a box prompt, at the picture's own size. */
export const segment: Task = {
  name: 'segment',
  async perform(request, dependencies) {
    const { phases, run } = request
    // The cheap checks come first: a bad prompt costs no decoding, a point outside costs no inference.
    const prompt = readPrompt(request.fields)
    const { embedding, original } = await embedImage(request, dependencies, (size) => checkWithin(prompt, size))
    const { mask, score } = await phases.time('decoder', () =>
      dependencies.pool.run('segment', { embedding, original, prompt }, run),
    )
    const png = () => phases.time('png', () => encodeGreyscalePng(mask.pixels, mask))
    return {
      json: async () => ({
        task: 'segment',
        mask: (await png()).toString('base64'),
        confidence_score: Math.round(score * 10_000) / 10_000,
        mask_size: [mask.width, mask.height],
        area: mask.area,
        bounding_box: mask.boundingBox ?? null,
      }),
      binary: { contentType: 'image/png', body: png },
    }
  },
}
