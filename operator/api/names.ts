/** The API group and version of every kind here. */
export const GROUP = 'mooring.dev'
export const VERSION = 'v1alpha1'
export const API_VERSION = `${GROUP}/${VERSION}` as const

/** What a Kubernetes client must know to address a kind. */
export const MODEL_IMAGES = {
  group: GROUP,
  version: VERSION,
  plural: 'modelimages',
  kind: 'ModelImage',
  namespaced: true,
} as const

export const ASYNC_INFERENCE_ENDPOINTS = {
  group: GROUP,
  version: VERSION,
  plural: 'asyncinferenceendpoints',
  kind: 'AsyncInferenceEndpoint',
  namespaced: true,
} as const

/** Holds an object until what was made for it in AWS is gone. */
export const FINALIZER = `${GROUP}/finalizer` as const

/** What a user asks of the operator without changing the spec. A new value of `retry` or `smoke-test` asks once more. */
export const ANNOTATIONS = {
  /** Any new value: try again after recovery gave up. */
  retry: `${GROUP}/retry`,
  /** 'true': leave AWS alone until the annotation goes. Deletion still runs. */
  paused: `${GROUP}/paused`,
  /** Any new value: run the smoke test again. */
  smokeTest: `${GROUP}/smoke-test`,
} as const

/** What a user asks of the operator about a ModelImage. */
export const IMAGE_ANNOTATIONS = {
  /** Any new value: look behind the reference now, and check again. */
  resolve: `${GROUP}/resolve`,
  /** The digest, whole or its first 12 digits, that may be used: with spec.update Manual. */
  approve: `${GROUP}/approve`,
  /** Any new value: run the contract test again. */
  contractTest: `${GROUP}/contract-test`,
} as const
