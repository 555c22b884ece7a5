import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { type blobOf, imageOf, type Layer, layerOfTar, tarOf } from '../test/oci-images.ts'

/**
 * A registry of two images, in a process of its own so that its memory is not the reader's: `big`, whose layers are not there, and `files`, whose
 * one layer is. Prints its port and what it has.
 */
const [layerCount, gigabytes, fileCount] = process.argv.slice(2).map(Number) as [number, number, number]

/** A layer that is only said to be there: registries that check refuse to hear of it. */
const claimed = Array.from({ length: layerCount }, (_, index) => ({
  mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
  digest: `sha256:${createHash('sha256').update(String(index)).digest('hex')}`,
  size: Math.floor((gigabytes * 1e9) / layerCount),
}))
const config = {
  Entrypoint: ['python', '/opt/program/serve.py'],
  Env: Array.from({ length: 60 }, (_, index) => `VARIABLE_${index}=${'x'.repeat(100)}`),
  Labels: Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`org.example.label-${index}`, 'x'.repeat(100)])),
  ExposedPorts: { '8080/tcp': {} },
}
const history = Array.from({ length: layerCount }, () => ({ created_by: `RUN ${'pip install x && '.repeat(50)}true` }))
const plain = imageOf({ config, history, created: new Date().toISOString() })
const { mediaType, digest, bytes } = plain.config
const big = imageOf({
  config,
  history,
  manifest: { schemaVersion: 2, config: { mediaType, digest, size: bytes.byteLength }, layers: claimed },
})
const manifest = { ...big.manifest }

/** Contents that do not compress, as models do not. */
const content = randomBytes(20_000)
const tar = await tarOf(
  Object.fromEntries(
    Array.from({ length: fileCount }, (_, index) => [
      `models/m${index % 97}/f${index}`,
      content.subarray(index % 9_000),
    ]),
  ),
)
const layer: Layer = await layerOfTar(gzipSync(tar, { level: 1 }), 'none').then((packed) => ({ ...packed, diffId: '' }))
const files = imageOf({ layers: [layer], config })

const blobs = new Map([plain.config, files.config, layer].map((blob) => [blob.digest, blob]))
const manifests: Record<string, ReturnType<typeof blobOf>> = { big: manifest, files: files.manifest }

const server = createServer((request, response) => {
  const name = request.url?.split('/').at(-1) ?? ''
  const found = request.url?.includes('/manifests/') ? manifests[name] : blobs.get(name)
  if (!found) return response.writeHead(404).end('{"errors":[{"code":"BLOB_UNKNOWN"}]}')
  response.writeHead(200, { 'content-type': found.mediaType, 'content-length': found.bytes.byteLength })
  response.end(found.bytes)
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  console.log(JSON.stringify({ port, packedBytes: layer.bytes.byteLength, unpackedBytes: tar.byteLength }))
})
