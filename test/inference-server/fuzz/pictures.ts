import { deflateSync } from 'node:zlib'
import sharp from 'sharp'

/** A picture, or what pretends to be one. */
export type Picture = { name: string; bytes: Buffer }

const drawn = (width: number, height: number) =>
  sharp(
    Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="#eee"/><rect x="10%" y="10%" width="80%" height="80%" fill="none" stroke="#222" stroke-width="4"/><path d="M${width / 2} ${height * 0.1}V${height * 0.6}" stroke="#222" stroke-width="4"/><circle cx="30%" cy="40%" r="15%" fill="#c40"/></svg>`,
    ),
  ).removeAlpha()

/** One of each way in which the accepted formats store a picture. */
export async function validPictures(): Promise<Picture[]> {
  const small = () => drawn(96, 72)
  const frames = Buffer.concat(
    await Promise.all(
      [0, 90, 180].map((angle) => small().rotate(angle).resize(40, 40, { fit: 'fill' }).raw().toBuffer()),
    ),
  )
  const film = () => sharp(frames, { raw: { width: 40, height: 120, channels: 3, pageHeight: 40 } })
  const alpha = () => small().ensureAlpha(0.5)
  const pictures: Record<string, Promise<Buffer>> = {
    'baseline JPEG': small().jpeg({ quality: 80 }).toBuffer(),
    'progressive JPEG': small().jpeg({ progressive: true, chromaSubsampling: '4:4:4' }).toBuffer(),
    'grey JPEG': small().toColourspace('b-w').jpeg().toBuffer(),
    'CMYK JPEG': small().toColourspace('cmyk').jpeg().toBuffer(),
    'JPEG with EXIF, turned': small()
      .withExif({ IFD0: { Copyright: 'none' } })
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer(),
    'JPEG with a colour profile': small().withIccProfile('p3').jpeg().toBuffer(),
    PNG: small().png().toBuffer(),
    'interlaced PNG': small().png({ progressive: true }).toBuffer(),
    'palette PNG': small().png({ palette: true }).toBuffer(),
    '16-bit PNG': small().toColourspace('rgb16').png().toBuffer(),
    '16-bit grey PNG with alpha': alpha().toColourspace('grey16').png().toBuffer(),
    'transparent PNG': alpha().png().toBuffer(),
    '1-bit PNG': small().threshold().toColourspace('b-w').png({ palette: true, colours: 2 }).toBuffer(),
    WebP: small().webp().toBuffer(),
    'lossless WebP with alpha': alpha().webp({ lossless: true }).toBuffer(),
    'animated WebP': film()
      .webp({ loop: 0, delay: [50, 50, 50] })
      .toBuffer(),
    GIF: small().gif().toBuffer(),
    'animated GIF': film()
      .gif({ delay: [50, 50, 50] })
      .toBuffer(),
    TIFF: small().tiff({ compression: 'none' }).toBuffer(),
    'LZW TIFF': small().tiff({ compression: 'lzw', predictor: 'horizontal' }).toBuffer(),
    'tiled JPEG TIFF': small().tiff({ compression: 'jpeg', tile: true, tileWidth: 32, tileHeight: 32 }).toBuffer(),
    'float TIFF': small().toColourspace('scrgb').tiff({ compression: 'deflate' }).toBuffer(),
    'pyramid TIFF': small().tiff({ pyramid: true, tile: true, compression: 'deflate' }).toBuffer(),
    'a row of pixels': drawn(900, 1).png().toBuffer(),
    'a column of pixels': drawn(1, 900).jpeg().toBuffer(),
    'one pixel': drawn(1, 1).gif().toBuffer(),
  }
  return Promise.all(Object.entries(pictures).map(async ([name, bytes]) => ({ name, bytes: await bytes })))
}

/** What a caller might send to break a server, and what it deserves: 200 where the picture is sound after all. */
export type Hostile = Picture & { expected: readonly number[] }

export async function hostilePictures(): Promise<Hostile[]> {
  const jpeg = await drawn(200, 150).jpeg().toBuffer()
  const png = await drawn(200, 150).png().toBuffer()
  const gif = await drawn(64, 48).gif().toBuffer()
  const tiff = await drawn(64, 48).tiff({ compression: 'none' }).toBuffer()
  const webp = await drawn(64, 48).webp({ lossless: true }).toBuffer()
  const refused = [422]
  const tooLarge = [413]
  const either = [200, 422]
  const zeros = Buffer.alloc(64 * 1024 * 1024)
  const list: [string, Buffer, readonly number[]][] = [
    ['a PNG whose header says 100,000 x 100,000', pngOf(100_000, 100_000, Buffer.alloc(64)), tooLarge],
    [
      'a PNG of 20,000 x 20,000 white pixels in 50 kB',
      pngOf(20_000, 20_000, Buffer.alloc(20_000 * 2501, 255), 1),
      tooLarge,
    ],
    [
      'a PNG with a text chunk that inflates to 64 MB',
      withChunk(png, 'zTXt', Buffer.concat([Buffer.from('c\0\0'), deflateSync(zeros)])),
      either,
    ],
    [
      'a PNG with a profile that inflates to 64 MB',
      withChunk(png, 'iCCP', Buffer.concat([Buffer.from('c\0\0'), deflateSync(zeros)])),
      either,
    ],
    ['a PNG of no width', pngOf(0, 10, Buffer.alloc(10)), refused],
    ['a PNG whose pixels end early', pngOf(300, 300, Buffer.alloc(301 * 3)), refused],
    ['a PNG whose chunk says it is 2 GB long', patched(png, 33, [0x7f, 0xff, 0xff, 0xff]), refused],
    ['a JPEG cut in half', jpeg.subarray(0, jpeg.length >> 1), refused],
    ['a JPEG cut in its header', jpeg.subarray(0, 40), refused],
    ['a JPEG that says 65,500 x 65,500', jpegOfSize(jpeg, 65_500, 65_500), tooLarge],
    // The decoder warns of it, as of many a camera's files, and fills up with grey.
    ['a JPEG that says it is larger than its pixels', jpegOfSize(jpeg, 900, 900), either],
    ['a JPEG of no height', jpegOfSize(jpeg, 0, 200), refused],
    ['a JPEG with a ZIP archive behind it', Buffer.concat([jpeg, Buffer.from('PK\x05\x06'), Buffer.alloc(18)]), [200]],
    [
      'a JPEG with a script in its comment',
      Buffer.concat([jpeg.subarray(0, 2), comment('<script>alert(1)</script>'), jpeg.subarray(2)]),
      [200],
    ],
    [
      'a JPEG with a megabyte of comments',
      Buffer.concat([
        jpeg.subarray(0, 2),
        ...Array.from({ length: 20 }, () => comment('x'.repeat(65_000))),
        jpeg.subarray(2),
      ]),
      [200],
    ],
    [
      'a JPEG with EXIF that points to itself',
      withExif(jpeg, [8, 0, 1, 0, 0x69, 0x87, 4, 0, 1, 0, 0, 0, 8, 0, 0, 0]),
      either,
    ],
    ['a JPEG with orientation 99', withExif(jpeg, [8, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 99, 0, 0, 0]), either],
    // The frame's own size counts.
    ['a GIF that says 65,535 x 65,535', patched(gif, 6, [0xff, 0xff, 0xff, 0xff]), [200, 413]],
    ['a GIF without its end', gif.subarray(0, gif.length - 20), either],
    ['a GIF that is a script, too', Buffer.concat([Buffer.from('GIF89a=1;alert(1)//'), gif.subarray(19)]), [413, 422]],
    ['a WebP that says 16,384 x 16,384', webpOfSize(webp, 16_384, 16_384), [413, 422]],
    ['a WebP cut short', webp.subarray(0, webp.length - 30), refused],
    ['a TIFF whose directory points to itself', loopingTiff(tiff), either],
    ['a TIFF whose directory lies behind its end', patched(tiff, 4, [0xff, 0xff, 0xff, 0x7f]), refused],
    [
      'an SVG with an entity of a file',
      Buffer.from(
        '<?xml version="1.0"?><!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text>&x;</text></svg>',
      ),
      refused,
    ],
    ['an SVG of a billion laughs', laughs(), refused],
    ['an AVIF', await drawn(64, 48).avif().toBuffer(), refused],
    ['a PDF', Buffer.from('%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>'), refused],
    ['a ZIP archive', Buffer.from('PK\x03\x04aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'), refused],
    ['a PPM, which libvips might read', Buffer.from(`P3 2 2 255 ${'9 '.repeat(12)}`), refused],
    [
      'a Radiance picture',
      Buffer.from('#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 2 +X 2\n0123456789abcdef', 'latin1'),
      refused,
    ],
    ['text', Buffer.from('this is no picture'), refused],
    ['a byte', Buffer.from([0xff]), refused],
    ['a megabyte of noise', noise(1_000_000), refused],
    ...[jpeg, png, gif, tiff, webp].map((each): [string, Buffer, readonly number[]] => [
      `the first 12 bytes of a ${each.toString('latin1', 0, 4).replace(/\W/g, '.')}`,
      each.subarray(0, 12),
      refused,
    ]),
  ]
  return list.map(([name, bytes, expected]) => ({ name, bytes, expected }))
}

function patched(bytes: Buffer, at: number, values: readonly number[]): Buffer {
  const copy = Buffer.from(bytes)
  copy.set(values, at)
  return copy
}

const PNG_START = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

function chunk(type: string, data: Buffer): Buffer {
  const bytes = Buffer.alloc(12 + data.length)
  bytes.writeUInt32BE(data.length, 0)
  bytes.write(type, 4, 'latin1')
  data.copy(bytes, 8)
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + data.length)), 8 + data.length)
  return bytes
}

/** A grey PNG whose rows are given as they are before compression, the filter byte of each included. */
function pngOf(width: number, height: number, rows: Buffer, depth = 8): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header[8] = depth
  return Buffer.concat([
    PNG_START,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** A PNG with one more chunk behind its header. */
const withChunk = (png: Buffer, type: string, data: Buffer) =>
  Buffer.concat([png.subarray(0, 33), chunk(type, data), png.subarray(33)])

function crc32(bytes: Buffer): number {
  let crc = 0xffff_ffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb8_8320 : crc >>> 1
  }
  return (crc ^ 0xffff_ffff) >>> 0
}

function jpegOfSize(jpeg: Buffer, width: number, height: number): Buffer {
  const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]))
  return patched(jpeg, frame + 5, [height >> 8, height & 255, width >> 8, width & 255])
}

function comment(text: string): Buffer {
  const data = Buffer.from(text)
  return Buffer.concat([Buffer.from([0xff, 0xfe, (data.length + 2) >> 8, (data.length + 2) & 255]), data])
}

/** A little-endian TIFF block whose directory lies at the offset that comes first. */
function withExif(jpeg: Buffer, directory: readonly number[]): Buffer {
  const [offset = 8, ...rest] = directory
  const block = Buffer.concat([
    Buffer.from('Exif\0\0II*\0', 'latin1'),
    Buffer.from([offset, 0, 0, 0]),
    Buffer.from(rest.slice(1)),
    Buffer.alloc(4),
  ])
  const length = block.length + 2
  return Buffer.concat([
    jpeg.subarray(0, 2),
    Buffer.from([0xff, 0xe1, length >> 8, length & 255]),
    block,
    jpeg.subarray(2),
  ])
}

/** The size of a lossless WebP: two numbers of 14 bits behind its signature byte. */
function webpOfSize(webp: Buffer, width: number, height: number): Buffer {
  const at = webp.indexOf(Buffer.from('VP8L')) + 9
  const size = (width - 1) | ((height - 1) << 14)
  return patched(webp, at, [size & 255, (size >> 8) & 255, (size >> 16) & 255, (size >> 24) & 255])
}

function loopingTiff(tiff: Buffer): Buffer {
  const directory = tiff.readUInt32LE(4)
  const copy = Buffer.from(tiff)
  copy.writeUInt32LE(directory, directory + 2 + 12 * tiff.readUInt16LE(directory))
  return copy
}

function laughs(): Buffer {
  const entities = Array.from({ length: 9 }, (_, at) => `<!ENTITY l${at + 1} "${`&l${at};`.repeat(10)}">`).join('')
  return Buffer.from(
    `<?xml version="1.0"?><!DOCTYPE s [<!ENTITY l0 "lol">${entities}]><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text>&l9;</text></svg>`,
  )
}

function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  let state = 1
  for (let at = 0; at < length; at++) {
    state = (state * 48_271) % 2_147_483_647
    bytes[at] = state & 255
  }
  return bytes
}
