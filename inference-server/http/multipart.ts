import { Busboy } from '@fastify/busboy'
import { Failure } from '../core/errors.ts'
import type { InputFile } from '../tasks/task.ts'

export const MULTIPART_TYPE = 'multipart/form-data'

const MAX_FILES = 8
const MAX_FIELDS = 64

export type Parts = {
  files: Record<string, InputFile>
  texts: Record<string, string>
}

/**
 * The parts of a multipart body by name; of several with one name the last counts.
 * @throws Failure InvalidRequest for a body that is malformed or breaks off, BodyTooLarge for too many parts
 */
export function readMultipart(body: Buffer, contentType: string): Promise<Parts> {
  return new Promise((resolve, reject) => {
    const malformed = (cause: unknown) =>
      reject(new Failure('InvalidRequest', 'The multipart body is malformed.', { cause }))
    const tooMany = (what: string) => () =>
      reject(new Failure('BodyTooLarge', `The request body has too many ${what}.`))
    // Callers choose the names: none may meet what objects inherit.
    const files: Parts['files'] = Object.create(null)
    const texts: Parts['texts'] = Object.create(null)
    try {
      const limits = { files: MAX_FILES, fields: MAX_FIELDS, parts: MAX_FILES + MAX_FIELDS, fieldSize: body.length }
      new Busboy({ headers: { 'content-type': contentType }, limits, fileHwm: body.length })
        .on('file', (name, stream, _filename, _encoding, mimeType) => {
          const chunks: Buffer[] = []
          stream
            .on('data', (chunk: Buffer) => chunks.push(chunk))
            .on('error', malformed)
            .on('end', () => {
              files[name] = { bytes: Buffer.concat(chunks), contentType: mimeType }
            })
        })
        .on('field', (name, value) => {
          texts[name] = value
        })
        .on('partsLimit', tooMany('parts'))
        .on('filesLimit', tooMany('files'))
        .on('fieldsLimit', tooMany('fields'))
        .on('error', malformed)
        .on('finish', () => resolve({ files, texts }))
        .end(body)
    } catch (cause) {
      // Such as a content type without a boundary.
      malformed(cause)
    }
  })
}
