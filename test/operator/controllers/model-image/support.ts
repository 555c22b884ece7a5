import { setTimeout as delay } from 'node:timers/promises'
import type { ModelImage } from '../../../../operator/api/model-image.ts'
import { IMAGE_ANNOTATIONS, MODEL_IMAGES } from '../../../../operator/api/names.ts'
import { aModelImage } from '../../api/manifests.ts'
import type { World } from '../world.ts'

export const REGISTRY = '123456789012.dkr.ecr.us-east-1.amazonaws.com'
const LIMIT_MS = 60_000

/** A ModelImage and what is done to it. */
export function modelImage(w: World, name = 'sam-lite') {
  const key = { namespace: w.namespace, name }
  let asked = 0
  const self = {
    apply: (spec: object) =>
      w.kube.create(MODEL_IMAGES, { ...aModelImage(w.namespace, name), spec: { ...spec } }, w.namespace),
    patch: (spec: object) => w.kube.mergePatch(MODEL_IMAGES, key, { spec }),
    annotate: (annotations: Record<string, string>) =>
      w.kube.mergePatch(MODEL_IMAGES, key, { metadata: { annotations } }),
    /** Has the operator look behind the reference now. */
    look: () => self.annotate({ [IMAGE_ANNOTATIONS.resolve]: String(++asked) }),
    async until(what: string, found: (image: ModelImage) => boolean | undefined): Promise<ModelImage> {
      let image: ModelImage | undefined
      for (const end = Date.now() + LIMIT_MS; Date.now() < end; await delay(50)) {
        image = await w.image(name)
        if (found(image)) return image
      }
      throw new Error(`not within a minute: ${what}: ${JSON.stringify(image?.status, null, 1)}`)
    },
  }
  return self
}

/** The reason of a condition that speaks of the newest spec. */
export function reasonOf({ metadata, status }: ModelImage, type: string): string | undefined {
  const condition = status?.conditions?.find((each) => each.type === type)
  return condition?.observedGeneration === metadata.generation ? condition?.reason : undefined
}
