import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { type TarEntry, TarError, tarIndex } from '../../../../operator/images/layers/tar.ts'
import { tarOf } from '../../../oci-images.ts'

const run = promisify(execFile)

function read(archive: Uint8Array, pieceSize = archive.length): TarEntry[] {
  const entries: TarEntry[] = []
  const index = tarIndex((entry) => entries.push(entry))
  for (let at = 0; at < archive.length; at += pieceSize) index.write(archive.subarray(at, at + pieceSize))
  index.end()
  return entries
}

const LONG = `${'deep/'.repeat(60)}${'name'.repeat(30)}.bin`

for (const format of ['ustar', 'pax', 'gnu', 'v7'])
  test(`what GNU tar writes is read: ${format}`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'mooring-tar-'))
    t.teardown(() => rm(folder, { recursive: true }))
    const long = format === 'pax' || format === 'gnu' ? LONG : 'deep/short.bin'
    for (const [name, content] of [
      ['app/serve.py', 'x'.repeat(5000)],
      ['app/größe', ''],
      [long, 'y'],
    ] as const) {
      await mkdir(dirname(join(folder, 'root', name)), { recursive: true })
      await writeFile(join(folder, 'root', name), content)
    }
    await symlink('serve.py', join(folder, 'root', 'app', 'link'))
    await run('tar', ['-cf', join(folder, 'x.tar'), `--format=${format}`, '-C', join(folder, 'root'), '.'])
    const archive = await readFile(join(folder, 'x.tar'))
    for (const pieceSize of [archive.length, 511, 7]) {
      const found = new Map(read(archive, pieceSize).map((entry) => [entry.path, entry]))
      t.is(found.get('./app/serve.py')?.type, 'file')
      t.is(found.get('./app/größe')?.type, 'file')
      t.is(found.get(`./${long}`)?.type, 'file')
      t.deepEqual(found.get('./app/link'), { path: './app/link', type: 'symlink', target: 'serve.py' })
      t.is(found.get('./app/')?.type, 'directory')
    }
  })

test('an archive that is none, is damaged or breaks off is said so', async (t) => {
  const archive = Buffer.from(await tarOf({ 'a.bin': 'x'.repeat(2000), b: 'y' }))
  const damaged = Buffer.from(archive)
  damaged[10] = 0x41
  for (const bytes of [Buffer.alloc(2048, 0x41), damaged, archive.subarray(0, 700), archive.subarray(0, 1000)])
    t.throws(() => read(bytes), { instanceOf: TarError })
  t.deepEqual(read(Buffer.alloc(0)), [])
  t.deepEqual(read(Buffer.alloc(10_240)), [])
})

/** A header of any kind, with a checksum that is right. */
function header(name: string, kind: string, size: string): Buffer {
  const block = Buffer.alloc(512)
  block.write(name, 0)
  block.write(size, 124, 'latin1')
  block.write(kind, 156)
  block.write('ustar\x0000', 257)
  const sum = block.reduce((total, byte) => total + byte, 8 * 0x20)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

test('sizes and headers beyond reason end it', (t) => {
  const binary = `\x80${'\xff'.repeat(11)}`
  const pax = (text: string) => {
    const body = Buffer.alloc(512)
    body.write(text)
    return Buffer.concat([header('p', 'x', text.length.toString(8).padStart(11, '0')), body, header('f', '0', '0')])
  }
  const hostile = {
    'a size beyond numbers': header('f', '0', binary),
    'a size that is no number': header('f', '0', '99999999999'),
    'a header of a GB': header('p', 'x', '10000000000'),
    'a negative length': pax('-20 path=x\n'),
    'a length of nothing': pax('0 path=x\n'),
    'a length beyond the end': pax('999 path=x\n'),
    'no length': pax('path=x'),
    'a negative size': pax('11 size=-5\n'),
  }
  for (const [what, bytes] of Object.entries(hostile)) t.throws(() => read(bytes), { instanceOf: TarError }, what)
})

test('global headers cost nothing, however many there are', (t) => {
  const size = 512 * 1024
  const global = Buffer.concat([header('g', 'g', size.toString(8).padStart(11, '0')), Buffer.alloc(size, '9 a=b c\n')])
  const entries: TarEntry[] = []
  const index = tarIndex((entry) => entries.push(entry))
  for (let times = 0; times < 200; times++) index.write(global)
  for (let times = 0; times < 2_000; times++) index.write(header(`f${times}`, '0', '00000000000'))
  index.end()
  t.is(entries.length, 2_000)
})
