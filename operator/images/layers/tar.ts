import { MAX_TAR_HEADER_BYTES } from '../bounds.ts'

export type TarEntry = {
  /** As it stands in the archive. */
  path: string
  type: 'file' | 'directory' | 'symlink' | 'other'
  /** Of a symbolic link. */
  target?: string
  /** Whether anybody may run it. */
  executable?: true
}

const BLOCK = 512
const TYPES: Record<string, TarEntry['type']> = {
  '0': 'file',
  '\0': 'file',
  // A hard link is a file of its own name.
  '1': 'file',
  '7': 'file',
  '2': 'symlink',
  '5': 'directory',
}

/** An archive that is none, or breaks off. */
export class TarError extends Error {}

/**
 * Reads what is in a tar archive, and skips the contents: ustar, pax and GNU headers, as container tools write them.
 * https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06. Packages for this hand out a stream for each of half a
 * million files, and follow global headers, with which a hostile archive buys hours of work with a few KB.
 * @param onEntry is called while `write` runs
 */
export function tarIndex(onEntry: (entry: TarEntry) => void) {
  const header = Buffer.alloc(BLOCK)
  /** Bytes of the header that are there. */
  let filled = 0
  /** Bytes to skip, or to collect into `long`. */
  let left = 0
  let long: { kind: string; bytes: Buffer; filled: number } | undefined
  let overrides: Overrides = {}
  let empty = 0

  const take = (): void => {
    if (header.every((byte) => byte === 0)) {
      empty++
      return
    }
    if (empty > 0 || !hasChecksum(header)) throw new TarError('is not a tar archive, or a damaged one')
    const kind = String.fromCharCode(header[156] ?? 0)
    const isAboutNext = kind === 'x' || kind === 'L' || kind === 'K'
    const own = number(header, 124, 12)
    const size = isAboutNext || kind === 'g' ? own : (overrides.size ?? own)
    if (!Number.isSafeInteger(size) || size < 0) throw new TarError('has a file of no possible size')
    // Links, folders and devices have a size in some archives, and never content.
    left = /[1-6]/.test(kind) ? 0 : padded(size)
    if (isAboutNext) {
      if (size > MAX_TAR_HEADER_BYTES) throw new TarError(`has a header of more than ${MAX_TAR_HEADER_BYTES} bytes`)
      if (size > 0) long = { kind, bytes: Buffer.alloc(size), filled: 0 }
      return
    }
    // Of the whole archive: no name of a file is in it.
    if (kind === 'g') return
    const type = TYPES[kind] ?? 'other'
    const path = overrides.path ?? nameOf(header)
    const target = type === 'symlink' ? (overrides.target ?? text(header, 157, 100)) : undefined
    overrides = {}
    const executable = type === 'file' && (number(header, 100, 8) & 0o111) !== 0
    onEntry({ path, type, ...(target === undefined ? {} : { target }), ...(executable ? { executable } : {}) })
  }

  return {
    /** @throws TarError; what onEntry throws */
    write(chunk: Uint8Array): void {
      let at = 0
      // Two empty blocks end it, whatever follows.
      while (at < chunk.length && empty < 2) {
        if (left > 0) {
          const piece = chunk.subarray(at, at + left)
          if (long)
            long.filled += Buffer.from(piece.buffer, piece.byteOffset, piece.length).copy(long.bytes, long.filled)
          at += piece.length
          left -= piece.length
          if (left === 0 && long) {
            overrides = { ...overrides, ...overridesOf(long.kind, long.bytes) }
            long = undefined
          }
          continue
        }
        const piece = chunk.subarray(at, at + BLOCK - filled)
        header.set(piece, filled)
        at += piece.length
        filled += piece.length
        if (filled < BLOCK) return
        filled = 0
        take()
      }
    },
    /** @throws TarError where something is missing */
    end(): void {
      if (filled > 0 || left > 0) throw new TarError('breaks off in the middle')
    },
  }
}

type Overrides = { path?: string; target?: string; size?: number }

function overridesOf(kind: string, bytes: Buffer): Overrides {
  if (kind === 'L') return { path: text(bytes, 0, bytes.length) }
  if (kind === 'K') return { target: text(bytes, 0, bytes.length) }
  const found: Overrides = {}
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at)
    const length = space < 0 ? Number.NaN : Number(bytes.toString('latin1', at, space))
    if (!Number.isSafeInteger(length) || length <= space - at || at + length > bytes.length)
      throw new TarError('has a header that cannot be read')
    // "<length> <key>=<value>\n"
    const equals = bytes.indexOf(0x3d, space)
    const key = bytes.toString('latin1', space + 1, Math.max(equals, space + 1))
    const value = () => bytes.toString('utf8', equals + 1, at + length - 1)
    if (key === 'path') found.path = value()
    else if (key === 'linkpath') found.target = value()
    else if (key === 'size') found.size = Number(value())
    at += length
  }
  return found
}

function nameOf(header: Buffer): string {
  const name = text(header, 0, 100)
  // GNU's own format has other things where ustar has the prefix.
  const isUstar = header.toString('latin1', 257, 263) === 'ustar\0'
  const prefix = isUstar ? text(header, 345, 155) : ''
  return prefix ? `${prefix}/${name}` : name
}

function text(bytes: Buffer, from: number, length: number): string {
  const end = bytes.indexOf(0, from)
  return bytes.toString('utf8', from, end < 0 ? from + length : Math.min(end, from + length))
}

/** Octal digits, or, where they do not suffice, a binary number behind a set bit. */
function number(header: Buffer, from: number, length: number): number {
  if ((header[from] ?? 0) & 0x80) {
    let value = (header[from] ?? 0) & 0x7f
    for (const byte of header.subarray(from + 1, from + length)) value = value * 256 + byte
    return value
  }
  const digits = text(header, from, length).trim()
  return /^[0-7]*$/.test(digits) ? Number.parseInt(digits || '0', 8) : Number.NaN
}

function hasChecksum(header: Buffer): boolean {
  let sum = 8 * 0x20
  for (let at = 0; at < BLOCK; at++) if (at < 148 || at >= 156) sum += header[at] ?? 0
  return sum === number(header, 148, 8)
}

function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK
}
