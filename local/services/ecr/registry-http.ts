import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Images } from './images.ts'

/** As the OCI distribution protocol has it, to read only: what ECR's download addresses point at, and any client of registries can speak. */
export function registryHttp(images: Images) {
  return (request: IncomingMessage, response: ServerResponse, path: string): true => {
    const send = (
      status: number,
      bytes: Uint8Array,
      type = 'application/json',
      headers: Record<string, string> = {},
    ) => {
      response.writeHead(status, { 'content-type': type, 'content-length': bytes.byteLength, ...headers })
      response.end(request.method === 'HEAD' ? undefined : bytes)
      return true as const
    }
    const refuse = (status: number, code: string) =>
      send(
        status,
        Buffer.from(JSON.stringify({ errors: [{ code, message: code.toLowerCase().replaceAll('_', ' ') }] })),
      )

    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(405, 'UNSUPPORTED')
    if (path === '/v2/') return send(200, Buffer.from('{}'))
    const [, repository = '', kind, reference = ''] = /^\/v2\/(.+)\/(manifests|blobs|tags)\/([^/]+)$/.exec(path) ?? []
    if (!kind) return refuse(404, 'UNSUPPORTED')
    if (!images.repositories().includes(repository)) return refuse(404, 'NAME_UNKNOWN')
    if (kind === 'tags') {
      const tags = images.inRepository(repository).flatMap((image) => [...image.tags])
      return send(200, Buffer.from(JSON.stringify({ name: repository, tags: tags.sort() })))
    }
    if (kind === 'blobs') {
      const blob = images.blob(reference)
      return blob ? send(200, blob.bytes, blob.mediaType) : refuse(404, 'BLOB_UNKNOWN')
    }
    const image = images.byDigest(repository, reference) ?? images.byTag(repository, reference)
    if (!image) return refuse(404, 'MANIFEST_UNKNOWN')
    return send(200, Buffer.from(image.manifest), image.mediaType, { 'docker-content-digest': image.digest })
  }
}
