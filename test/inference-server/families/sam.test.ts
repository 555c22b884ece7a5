import test from 'ava'
import { FAMILIES } from '../../../inference-server/families/index.ts'
import { recognise } from '../../../inference-server/families/recognise.ts'
import { sam1, sam1Encoder } from '../../../inference-server/families/sam1.ts'
import type { Signature, Value } from '../../../inference-server/runtime/model.ts'

type Shape = (number | string)[]
const float = (name: string, shape: Shape = ['n']): Value => ({ name, type: 'float32', shape, isTensor: true })
const typed = (name: string, type: string, shape: Shape): Value => ({ name, type, shape, isTensor: true })
const signature = (inputs: Value[], outputs: Value[]): Signature => ({ inputs, outputs })

/** The signatures of published exports; channels as there. */
const PIXELS: Shape = [1, 3, 1024, 1024]
const MODELS: Record<string, [family: string, part: string, Signature]> = {
  "samexporter's plain encoder": [
    'SAM 1',
    'encoder',
    signature([float('input_image', PIXELS)], [float('image_embeddings', [1, 256, 64, 64])]),
  ],
  "samexporter's encoder with --use-preprocess": [
    'SAM 1',
    'encoder',
    signature(
      [float('input_image', ['image_height', 'image_width', 3])],
      [float('image_embeddings', [1, 256, 64, 64])],
    ),
  ],
  'an encoder of one’s own export, with names of its own': [
    'SAM 1',
    'encoder',
    signature([float('x', ['b', 3, 1024, 1024])], [float('embeddings', ['b', 256, 64, 64])]),
  ],
  "Meta's decoder": [
    'SAM 1',
    'decoder',
    signature(
      [
        float('image_embeddings', [1, 256, 64, 64]),
        float('point_coords', [1, 'num_points', 2]),
        float('point_labels', [1, 'num_points']),
        float('mask_input', [1, 1, 256, 256]),
        float('has_mask_input', [1]),
        float('orig_im_size', [2]),
      ],
      [float('masks'), float('iou_predictions'), float('stability_scores'), float('areas'), float('low_res_masks')],
    ),
  ],
  "samexporter's SAM 2 encoder": [
    'SAM 2',
    'encoder',
    signature(
      [float('image', PIXELS)],
      [
        float('high_res_feats_0', [1, 32, 256, 256]),
        float('high_res_feats_1', [1, 64, 128, 128]),
        float('image_embed', [1, 256, 64, 64]),
      ],
    ),
  ],
  "samexporter's SAM 2 decoder": [
    'SAM 2',
    'decoder',
    signature(
      [
        'image_embed',
        'high_res_feats_0',
        'high_res_feats_1',
        'point_coords',
        'point_labels',
        'mask_input',
        'has_mask_input',
      ].map((name) => float(name)),
      [float('masks'), float('iou_predictions')],
    ),
  ],
  'slimsam’s vision_encoder.onnx': [
    'SAM 1 (transformers)',
    'encoder',
    signature(
      [float('pixel_values', ['batch_size', 3, 1024, 1024])],
      [
        float('image_embeddings', ['batch_size', 256, 64, 64]),
        float('image_positional_embeddings', ['b', 256, 64, 64]),
      ],
    ),
  ],
  'slimsam’s prompt_encoder_mask_decoder.onnx': [
    'SAM 1 (transformers)',
    'decoder',
    signature(
      [
        float('input_points'),
        typed('input_labels', 'int64', ['b', 'p', 'n']),
        float('image_embeddings'),
        float('image_positional_embeddings'),
      ],
      [float('iou_scores'), float('pred_masks')],
    ),
  ],
  'transformers.js’ SAM 2 encoder': [
    'SAM 2 (transformers)',
    'encoder',
    signature(
      [float('pixel_values', ['batch_size', 3, 1024, 1024])],
      [0, 1, 2].map((level) => float(`image_embeddings.${level}`)),
    ),
  ],
  'transformers.js’ SAM 2 decoder': [
    'SAM 2 (transformers)',
    'decoder',
    signature(
      [
        float('input_points'),
        typed('input_labels', 'int64', ['b', 'p', 'n']),
        float('input_boxes'),
        ...[0, 1, 2].map((level) => float(`image_embeddings.${level}`)),
      ],
      [float('iou_scores'), float('pred_masks'), float('object_score_logits')],
    ),
  ],
  "samexporter's SAM 3 image encoder": [
    'SAM 3',
    'encoder',
    signature(
      [typed('image', 'uint8', [3, 1008, 1008])],
      [
        'vision_pos_enc_0',
        'vision_pos_enc_1',
        'vision_pos_enc_2',
        'backbone_fpn_0',
        'backbone_fpn_1',
        'backbone_fpn_2',
      ].map((name) => float(name)),
    ),
  ],
  "samexporter's SAM 3 language encoder": [
    'SAM 3',
    'language',
    signature(
      [typed('tokens', 'int64', [1, 32])],
      [
        typed('text_attention_mask', 'bool', [1, 32]),
        float('text_memory', [32, 1, 256]),
        float('text_embeds', [32, 1, 1024]),
      ],
    ),
  ],
}

for (const [name, [family, part, found]] of Object.entries(MODELS)) {
  test(`${name} is the ${part} of ${family}, and of no other family`, (t) => {
    const matching = FAMILIES.filter((each) => each.name.startsWith('SAM') && each.part(found) !== undefined)
    t.deepEqual(
      matching.map((each) => each.name),
      [family],
    )
    t.is(
      FAMILIES.find((each) => each.part(found) !== undefined)?.name,
      family,
      'before any family that is less specific',
    )
    t.is(matching[0]?.part(found), part)
  })
}

test('who normalises is told from the rank', (t) => {
  const [, , planes] = MODELS["samexporter's plain encoder"] ?? []
  const [, , interleaved] = MODELS["samexporter's encoder with --use-preprocess"] ?? []
  t.is(planes && sam1Encoder(planes), 'planes')
  t.is(interleaved && sam1Encoder(interleaved), 'interleaved')
})

test('a network over pictures with no dimension of SAM’s is none', (t) => {
  t.is(sam1.part(signature([float('x', ['b', 3, 'h', 'w'])], [float('y', ['b', 'c', 'h', 'w'])])), undefined)
  t.is(sam1.part(signature([float('x', [1, 3, 224, 224])], [float('y', [1, 256, 64, 64])])), undefined)
})

test('a decoder without its encoder is refused, and an encoder alone is not: it gives embeddings', (t) => {
  const model = (name: string, id: number) => {
    const found = MODELS[name]
    if (!found) throw new TypeError(`there is no ${name}`)
    return { id, file: `${id}.onnx`, signature: found[2], provider: 'cpu' as const }
  }
  for (const decoder of [
    "Meta's decoder",
    "samexporter's SAM 2 decoder",
    'slimsam’s prompt_encoder_mask_decoder.onnx',
  ]) {
    t.throws(() => recognise(FAMILIES, '/models', [model(decoder, 0)]), {
      message: /incomplete: the decoder has no encoder/,
    })
  }
  t.is(recognise(FAMILIES, '/models', [model("samexporter's plain encoder", 0)]).parts(sam1)?.encoder?.id, 0)
})
