import type { z } from 'zod'
import { Failure } from '../../core/errors.ts'
import type { Size } from '../../images/decode.ts'
import type { Prompt } from '../sam/prompt.ts'
import { MAX_PROMPTS, type PromptFields, type SegmentFields } from './fields.ts'

/**
 * The prompts of a request: those of `prompts`, or the one that the request is itself.
 * @throws Failure InvalidPrompt
 */
export function readPrompts({ prompts, alternatives, text: _, ...own }: z.output<typeof SegmentFields>): Prompt[] {
  if (!prompts) return [readPrompt(own, '')]
  if (own.points.length > 0 || own.labels || own.box || own.multimask !== undefined) {
    throw new Failure(
      'InvalidPrompt',
      'Give either "prompts", or "points" and "box" for a single prompt: it is unclear which is meant.',
    )
  }
  if (alternatives && prompts.length > 1) {
    throw new Failure('InvalidPrompt', `"alternatives" are those of one prompt; ${prompts.length} are given.`, {
      details: [`at most ${MAX_PROMPTS} prompts are taken without it`],
    })
  }
  return prompts.map((prompt, at) => readPrompt(prompt, `prompts[${at}]: `))
}

/**
 * The examples in a request for a concept: they may be missing where a text says it.
 * @throws Failure InvalidPrompt
 */
export function readConcept({ prompts, alternatives, text, ...own }: z.output<typeof SegmentFields>): Prompt {
  if (prompts) throw new Failure('InvalidPrompt', 'SAM 3 finds one concept at a time: give "text", "points" and "box".')
  if (alternatives) throw new Failure('InvalidPrompt', 'SAM 3 has no alternatives: it finds all instances.')
  // A text may go with examples of what it does not mean, alone.
  return text === undefined ? readPrompt(own, '') : { ...labelled(own, ''), multimask: false }
}

/** `multimask` defaults to true for one point alone, the ambiguous prompt that SAM's alternatives are made for. */
function readPrompt(given: z.output<typeof PromptFields>, where: string): Prompt {
  const prompt = labelled(given, where)
  if (!prompt.box && !prompt.labels.includes(1)) {
    throw new Failure(
      'InvalidPrompt',
      `${where}Nothing is prompted: give "points" with at least one label 1, or a "box".`,
    )
  }
  return { ...prompt, multimask: given.multimask ?? (prompt.points.length === 1 && !prompt.box) }
}

/** Labels default to foreground. */
function labelled({ points, box, ...given }: z.output<typeof PromptFields>, where: string): Omit<Prompt, 'multimask'> {
  const labels = given.labels ?? points.map(() => 1 as const)
  if (labels.length !== points.length) {
    throw new Failure(
      'InvalidPrompt',
      `${where}There are ${points.length} points and ${labels.length} labels; each point needs one.`,
    )
  }
  return { points, labels, box }
}

/**
 * Checks prompts against the picture that they point into.
 * @throws Failure InvalidPrompt for points outside and boxes that are empty or reach outside.
 */
export function checkWithin(prompts: readonly Prompt[], { width, height }: Size): void {
  for (const [at, { points, box }] of prompts.entries()) {
    const where = prompts.length > 1 ? `prompts[${at}]: ` : ''
    const outside = points.findIndex(([x, y]) => x < 0 || y < 0 || x >= width || y >= height)
    if (outside >= 0) {
      throw new Failure(
        'InvalidPrompt',
        `${where}points[${outside}] lies outside the image of ${width} x ${height} pixels.`,
      )
    }
    if (!box) continue
    const [left, top, right, bottom] = box
    if (left < 0 || top < 0 || right > width || bottom > height) {
      throw new Failure('InvalidPrompt', `${where}The box reaches outside the image of ${width} x ${height} pixels.`)
    }
    if (right <= left || bottom <= top) {
      throw new Failure('InvalidPrompt', `${where}The box is empty: it is given as [left, top, right, bottom].`)
    }
  }
}
