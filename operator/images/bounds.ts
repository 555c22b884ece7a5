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
/** Of a token server's answer. A token is a header: some servers' have several KB. */
export const MAX_TOKEN_BYTES = 64 * 1024
export const MAX_REDIRECTS = 5
/** Of one listing of tags or referrers, however the registry cuts it: some give a hundred a page, whatever they are asked for. */
export const MAX_PAGES = 100
export const MAX_TAGS = 10_000
export const MAX_REFERRERS = 1024
/** Of one page of a listing. */
export const MAX_PAGE_BYTES = 4 * 1024 * 1024
/** Longest wait that a registry may ask for: nobody should be put off for days. */
export const MAX_RETRY_AFTER_MS = 60 * 60_000

export const CONNECT_TIMEOUT_MS = 5_000
/** From a request to the beginning of its answer. */
export const HEADERS_TIMEOUT_MS = 15_000
/** Between two pieces of an answer. */
export const IDLE_TIMEOUT_MS = 15_000
/** Of an answer that is read wholly: manifests, tokens, listings. */
export const ANSWER_TIMEOUT_MS = 30_000
/** Of one listing, all pages together. */
export const LISTING_TIMEOUT_MS = 60_000
/** Of one inspection: manifests through indexes, and a configuration. */
export const INSPECT_TIMEOUT_MS = 60_000

/** Of the layers of one image that are searched for files; beyond them, it is said which were not. */
export const LAYER_LIMITS = {
  /** Of one layer, as it lies in the registry: models of one COPY make one layer. */
  layerBytes: 32 * 2 ** 30,
  /** Of all layers of an image that one search reads. */
  imageBytes: 40 * 2 ** 30,
  /** Of one layer, unpacked: a few KB may unpack to as many GB. */
  layerUnpackedBytes: 64 * 2 ** 30,
  /** Of one search, unpacked. */
  unpackedBytes: 160 * 2 ** 30,
  /** Files, folders and links of one layer. An image of 22 GB has half a million. */
  layerEntries: 2_000_000,
  /** Of one search. */
  entries: 5_000_000,
  /** What one search may take, in milliseconds. What it has read by then is known to the next one. */
  milliseconds: 10 * 60_000,
}
export type LayerLimits = typeof LAYER_LIMITS
/** Linux's own. */
export const MAX_PATH_LENGTH = 4096
/** Of a tar archive's extended header: it holds a path or two, and attributes. */
export const MAX_TAR_HEADER_BYTES = 1024 * 1024
/** zstd lets a frame ask for any: 32 MiB is more than any level but the "ultra" ones uses. */
export const ZSTD_WINDOW_LOG = 25
/** Paths that fit one pattern, and what hides others, kept of one layer. */
export const MAX_FACTS = 256
export const MAX_HIDES = 4096
/** Symbolic links on the way to one path: Linux gives up at 40. */
export const MAX_LINKS = 8
/** Characters of paths that are remembered of all layers together. */
export const MAX_REMEMBERED = 4 * 1024 * 1024
