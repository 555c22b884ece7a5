import { LAYER_LIMITS, type LayerLimits } from '../bounds.ts'
import type { Descriptor, ImageSource } from '../source.ts'
import { entryOf, type Facts, learn, noFacts } from './facts.ts'
import { memory } from './memory.ts'
import { compile, type Pattern } from './pattern.ts'
import { type Search, search } from './search.ts'
import { type Allowance, LayerUnread, readLayer } from './unpack.ts'

/**
 * Absolute paths of files or folders, in which * stands for any characters within a name, and ** for any folders between. A symbolic link is
 * there whether or not what it leads to is; a path through a folder that is one is looked for where it leads to.
 */
export type WantedPaths = { required: readonly string[]; forbidden: readonly string[] }
export type FoundPaths = {
  /** Those of the wanted that are there. */
  present: ReadonlySet<string>
  /** Those of the present that are files which nobody may run. */
  inert: ReadonlySet<string>
  /** Those that are neither known to be there nor to be absent. */
  undecided: ReadonlySet<string>
  /** Why, as a clause: "layer 3 of 5 unpacks to more than is looked at". Only where some are undecided. */
  unread?: string
}

/** Looks for files in layers, from the topmost down. */
export type FileIndex = {
  /** @throws ImageError DigestMismatch; what the source throws */
  find(
    source: ImageSource,
    layers: readonly Descriptor[],
    wanted: WantedPaths,
    signal: AbortSignal,
  ): Promise<FoundPaths>
}

/** Foreign layers lie anywhere but in the registry: https://github.com/opencontainers/image-spec/blob/main/layer.md#non-distributable-layers */
const FOREIGN = /foreign|nondistributable/
/** Merged /usr: what is asked for in /bin is looked for there in the same reading. */
const MERGED = /^\/(?:s?bin|lib(?:32|64|x32)?)\//

/**
 * Which paths an image has, by reading the file lists of its layers: no more layers than it takes, and none twice for the same path, as long as
 * what was found is remembered. Whiteouts hide what is below, as in a container.
 */
export function fileIndex(limits: Partial<LayerLimits> = {}): FileIndex {
  const bounds = { ...LAYER_LIMITS, ...limits }
  const remembered = memory()

  return {
    async find(source, layers, wanted, signal) {
      const searches = [...new Set([...wanted.required, ...wanted.forbidden])].map((path) => ({
        path,
        search: search(path),
      }))
      const extra = searches.flatMap(({ path }) => (MERGED.test(path) ? [compile(`/usr${path}`)] : []))
      let packed = bounds.imageBytes
      const allowance: Allowance = { unpacked: bounds.unpackedBytes, entries: bounds.entries }
      const patience = AbortSignal.timeout(bounds.milliseconds)
      const until = AbortSignal.any([signal, patience])
      const topmost = layers.toReversed()
      const unreadable = new Map<string, string>()

      /** What the layer says of these patterns, remembered or read. @throws LayerUnread */
      const factsOf = async (layer: Descriptor, waiting: Search[]): Promise<Map<string, Facts>> => {
        const known = new Map<string, Facts>()
        for (const { pattern, sees } of waiting) {
          const facts = remembered.get(layer.digest, pattern.text)
          if (facts && (facts.complete || facts.matches.some(sees))) known.set(pattern.text, facts)
        }
        const asked = waiting.filter(({ pattern }) => !known.has(pattern.text))
        if (asked.length === 0) return known
        const why = unreadable.get(layer.digest) ?? refusal(layer, packed, bounds)
        if (why) throw new LayerUnread(why)
        for (const [text, facts] of await read(layer, asked, extra)) known.set(text, facts)
        return known
      }

      const read = async (layer: Descriptor, asked: Search[], others: Pattern[]): Promise<Map<string, Facts>> => {
        const found = new Map<string, Facts>()
        const patterns = [...asked.map(({ pattern }) => pattern), ...others]
        for (const { text } of patterns) found.set(text, noFacts())
        const unseen = new Map(asked.map((one) => [one.pattern.text, one]))
        packed -= layer.size
        const own: Allowance = {
          unpacked: Math.min(allowance.unpacked, bounds.layerUnpackedBytes),
          entries: Math.min(allowance.entries, bounds.layerEntries),
        }
        const before = { ...own }
        const ended = await readLayer(
          source,
          layer,
          {
            allowance: own,
            onEntry(given) {
              const entry = entryOf(given)
              if (!entry) return true
              for (const pattern of patterns) {
                const facts = found.get(pattern.text)
                if (!facts) continue
                learn(facts, pattern, entry)
                const last = facts.matches.at(-1)
                if (last !== undefined && unseen.get(pattern.text)?.sees(last)) unseen.delete(pattern.text)
              }
              return unseen.size > 0
            },
          },
          until,
        )
          .catch((error: unknown) => {
            if (!(error instanceof LayerUnread)) throw error
            // What came before its bound is there all the same.
            unreadable.set(layer.digest, error.message)
            return false
          })
          .finally(() => {
            allowance.unpacked -= before.unpacked - own.unpacked
            allowance.entries -= before.entries - own.entries
          })
        for (const [text, facts] of found) {
          if (!ended) facts.complete = false
          remembered.set(layer.digest, text, facts)
        }
        return found
      }

      for (;;) {
        const waiting = searches.map((one) => one.search).filter(({ state }) => state === 'searching')
        // Those that a link has sent back to the top come along with the next layer that both have yet to hear of.
        const depth = Math.min(...waiting.map((one) => one.depth))
        const layer = topmost[depth]
        if (!layer) {
          for (const one of waiting) one.bottom()
          break
        }
        const here = waiting.filter((one) => one.depth === depth)
        const skip = (one: Search, why: string) => one.skip(`layer ${layers.length - depth} of ${layers.length} ${why}`)
        try {
          const facts = await factsOf(layer, here)
          for (const one of here) {
            const heard = facts.get(one.pattern.text)
            if (heard && one.hear(heard)) continue
            // More fits than is kept, and all of that is out of sight; or it was not read to its end.
            skip(one, unreadable.get(layer.digest) ?? 'has too many files that fit')
          }
        } catch (error) {
          signal.throwIfAborted()
          const late = patience.aborted ? 'could not be read in time' : undefined
          const why = error instanceof LayerUnread ? error.message : late
          if (why === undefined) throw error
          unreadable.set(layer.digest, why)
          for (const one of here) skip(one, why)
        }
      }

      const of = (state: Search['state']) => searches.filter((one) => one.search.state === state)
      const found = of('found')
      const undecided = of('undecided')
      const unread = undecided[0]?.search.unread
      return {
        present: new Set(found.map(({ path }) => path)),
        inert: new Set(found.filter((one) => one.search.inert).map(({ path }) => path)),
        undecided: new Set(undecided.map(({ path }) => path)),
        ...(unread === undefined ? {} : { unread }),
      }
    },
  }
}

/** Why a layer is not read at all. */
function refusal({ mediaType, size }: Descriptor, left: number, { layerBytes }: LayerLimits): string | undefined {
  if (FOREIGN.test(mediaType)) return 'is not kept in the registry'
  if (size > layerBytes) return `has more than ${Math.floor(layerBytes / 2 ** 20)} MiB`
  return size > left ? 'is beyond what is read of one image' : undefined
}
