import test from 'ava'
import { cosine, PICTURES, references, type Samples, samServer } from '../../fixtures/sam.ts'

/** Reached: 1.0000000 where a picture is enlarged, 0.999995 or more where it is shrunk or, as by sam2, resized in floats. */
const LEAST_COSINE = 0.99999

type Answer = Record<string, string> & { shape: number[]; further?: Record<string, number[]> }

const floats = (base64: string | undefined) => {
  const bytes = Uint8Array.from(Buffer.from(base64 ?? '', 'base64'))
  return new Float32Array(bytes.buffer)
}

const likeTheReference = test.macro(async (t, family: string, files: string[], coarsest: string) => {
  const server = await samServer(t, family, files)
  for (const { picture, embedding } of await references(family)) {
    const response = await server.http.inject({
      method: 'POST',
      url: '/invocations',
      payload: { task: 'get_embedding', image: PICTURES[picture].toString('base64'), encoding_format: 'base64' },
    })
    t.is(response.statusCode, 200, response.body.slice(0, 300))
    const answer = response.json<Answer>()
    const expected = ('shape' in embedding ? { [coarsest]: embedding } : embedding) as Record<string, Samples>
    for (const [name, samples] of Object.entries(expected)) {
      const [shape, values] =
        name === coarsest ? [answer.shape, answer.embedding] : [answer.further?.[name], answer[name]]
      t.deepEqual(shape, samples.shape, name)
      const similarity = cosine(samples, floats(values))
      t.true(similarity >= LEAST_COSINE, `${picture}, ${name}: cosine ${similarity}`)
    }
  }
})

test("SAM 1's embedding is segment-anything's", likeTheReference, 'sam1', ['encoder.onnx'], 'image_embeddings')
test(
  'so it is by an encoder that normalises and pads inside',
  likeTheReference,
  'sam1',
  ['encoder-preprocess.onnx'],
  'image_embeddings',
)
test("SAM 2's three levels are sam2's", likeTheReference, 'sam2', ['encoder.onnx'], 'image_embed')
test(
  "the embedding of transformers' SAM 1 is its own",
  likeTheReference,
  'sam-hf',
  ['vision_encoder.onnx'],
  'image_embeddings',
)
test(
  "the three levels of transformers' SAM 2 are its own",
  likeTheReference,
  'sam2-hf',
  ['vision_encoder.onnx'],
  'image_embeddings.2',
)
