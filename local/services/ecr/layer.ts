import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'

/** Files of a layer, by path: their text, or how many zeros they hold. A path that ends in / is a folder. */
export type LayerFiles = Record<string, string | number>

export type Blob = { digest: string; bytes: Uint8Array; mediaType: string }
export type Layer = Blob & { diffId: string }

const BLOCK = 512
const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar+gzip'

/** A layer as a registry has it, the same for the same files. @throws RangeError for a path that ustar cannot hold */
export function layerOf(files: LayerFiles): Layer {
  const blocks = Object.entries(files).flatMap(([path, content]) => {
    const bytes = typeof content === 'number' ? Buffer.alloc(content) : Buffer.from(content)
    return [header(path, bytes.length), bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)]
  })
  const tar = Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)])
  return { ...blobOf(gzipSync(tar), LAYER_TYPE), diffId: sha256(tar) }
}

export function blobOf(content: Uint8Array | string, mediaType: string): Blob {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  return { digest: sha256(bytes), bytes, mediaType }
}

export function sha256(content: string | Uint8Array): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`
}

/** https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06 */
function header(path: string, size: number): Buffer {
  const block = Buffer.alloc(BLOCK)
  const name = path.replace(/^\/+/, '')
  // The name may be cut at any / for its two fields.
  const cut = Buffer.byteLength(name) <= 100 ? -1 : name.indexOf('/', name.length - 101)
  if (Buffer.byteLength(name.slice(cut + 1)) > 100 || cut > 155) throw new RangeError(`the path is too long: ${path}`)
  block.write(name.slice(cut + 1), 0)
  // Anybody may run any of them.
  block.write('0000755', 100)
  block.write('0000000\x000000000\0', 108)
  block.write(`${size.toString(8).padStart(11, '0')}\x0000000000000\0`, 124)
  block.write(' '.repeat(8), 148)
  block.write(path.endsWith('/') ? '5' : '0', 156)
  block.write('ustar\x0000', 257)
  if (cut > 0) block.write(name.slice(0, cut), 345)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}
