/**
 * What is read from a registry at most. A registry is named by whoever may write a ModelImage, and what it sends is whatever it likes: beyond
 * these, reading ends with an error. Images that tools build stay far below.
 */

/** Registries refuse larger ones: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-manifests */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024
/** Configurations are a few KB; the histories of long Dockerfiles make some hundred. */
export const MAX_CONFIG_BYTES = 4 * 1024 * 1024
/** Of JSON: a document of 4 MiB that is brackets only would unfold to hundreds of MB. */
export const MAX_JSON_DEPTH = 32
export const MAX_JSON_VALUES = 200_000
/** Container runtimes stop at 127, or soon after. */
export const MAX_LAYERS = 4096
/** Keeps the sum of all layers an exact number. */
export const MAX_LAYER_BYTES = 2 ** 40
/** Platforms, and an attestation for each. */
export const MAX_INDEX_ENTRIES = 1024
/** An index, and an index in it: https://github.com/opencontainers/image-spec/blob/main/image-index.md allows it without an end. */
export const MAX_INDEX_DEPTH = 2
/** Of one inspection, all indexes together. */
export const MAX_MANIFESTS_READ = 8
/** Of one kind in a configuration: variables, labels, ports, arguments. */
export const MAX_CONFIG_ENTRIES = 4096
/** Of a repository, looked through for versions. */
export const MAX_TAGS = 10_000
