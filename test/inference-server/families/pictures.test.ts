import test from 'ava'
import { FAMILIES } from '../../../inference-server/families/index.ts'
import type { Signature, Value } from '../../../inference-server/runtime/model.ts'

type Shape = (number | string)[]
const value = (name: string, shape: Shape, type = 'float32'): Value => ({ name, shape, type, isTensor: true })
const model = (inputs: Value[], outputs: Value[]): Signature => ({ inputs, outputs })

/** Which family takes a model, and as which part: the first that knows it. */
function recognised(signature: Signature): string | undefined {
  const family = FAMILIES.find((each) => each.part(signature) !== undefined)
  return family && `${family.name}: ${family.part(signature)}`
}

const picture = (shape: Shape = ['batch', 3, 224, 224], name = 'pixel_values') => value(name, shape)
const gaussians = (count: number | string, lead: Shape = []) => [
  value('xyz', [...lead, count, 3]),
  value('f_dc', [...lead, count, 3]),
  value('opacity', [...lead, count, 1]),
  value('scale', [...lead, count, 3]),
  value('rotation', [...lead, count, 4]),
]

test('models of no family are left to the error that describes them', (t) => {
  const embeds = value('image_embeds', ['batch', 512])
  // CLIP with both towers in one, and one without its projection.
  const both = model(
    [value('input_ids', ['batch', 77], 'int64'), picture()],
    [embeds, value('text_embeds', ['batch', 512])],
  )
  t.is(recognised(both), undefined)
  const trunk = [value('last_hidden_state', ['batch', 50, 768]), value('pooler_output', ['batch', 768])]
  t.is(recognised(model([picture()], trunk)), undefined)
  // A fixed batch of several pictures, one channel, 8-bit input.
  t.is(recognised(model([picture([8, 3, 224, 224])], [value('features', [8, 512])])), undefined)
  t.is(recognised(model([picture(['batch', 1, 28, 28])], [value('features', ['batch', 10])])), undefined)
  t.is(recognised(model([value('x', ['batch', 3, 224, 224], 'uint8')], [value('y', ['batch', 8])])), undefined)
})

test('gaussians with columns of the wrong width are no gaussians', (t) => {
  const wrong = gaussians('n').map((each) => (each.name === 'rotation' ? value('rotation', ['n', 3]) : each))
  t.is(recognised(model([picture([1, 3, 64, 64])], wrong)), undefined)
  t.is(recognised(model([picture([1, 3, 64, 64])], gaussians('n').slice(1))), undefined)
})

test('CLIP’s towers are told apart, with their further outputs and fixed or free sizes', (t) => {
  const embeds = value('image_embeds', ['batch', 512])
  t.is(recognised(model([picture()], [embeds])), 'CLIP: vision')
  t.is(
    recognised(model([picture(['b', 3, 'h', 'w'])], [value('last_hidden_state', ['b', 's', 768]), embeds])),
    'CLIP: vision',
  )
  const text = [value('input_ids', ['b', 's'], 'int64'), value('attention_mask', ['b', 's'], 'int64')]
  t.is(recognised(model(text, [value('text_embeds', ['b', 512])])), 'CLIP: text')
})

test('depth models of transformers and of others are known by their output', (t) => {
  const free = picture(['batch_size', 3, 'height', 'width'])
  t.is(recognised(model([free], [value('predicted_depth', ['batch_size', 'height', 'width'])])), 'depth: depth')
  t.is(recognised(model([picture([1, 3, 518, 518], 'image')], [value('depth', [1, 1, 518, 518])])), 'depth: depth')
})

test('gaussians may have a leading 1, and the model a mask', (t) => {
  const image = picture([1, 3, 64, 64], 'image')
  t.is(recognised(model([image], gaussians('n'))), '3D gaussians: generator')
  t.is(recognised(model([image, value('mask', [1, 1, 64, 64])], gaussians(256, [1]))), '3D gaussians: generator')
})

test('any other encoder with one output is one, planes or interleaved', (t) => {
  t.is(recognised(model([picture()], [value('features', ['batch', 384])])), 'image encoder: encoder')
  t.is(recognised(model([picture([1, 224, 224, 3], 'x')], [value('y', [1, 7, 7, 64])])), 'image encoder: encoder')
  // Not CLIP's: of the same size, but of another name.
  t.is(recognised(model([picture()], [value('last_hidden_state', ['b', 197, 768])])), 'image encoder: encoder')
})
