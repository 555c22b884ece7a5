import type { ServerResponse } from 'node:http'
import type { ApiError } from '../service.ts'

/** Answers an error as the services do that speak XML: SNS (and others of the query protocol) and S3. */
export function refuseAsXml(response: ServerResponse, service: string, error: ApiError, headOnly: boolean): void {
  const said = `<Code>${escaped(error.code)}</Code><Message>${escaped(error.message)}</Message>`
  const body =
    service === 's3'
      ? `<?xml version="1.0" encoding="UTF-8"?><Error>${said}</Error>`
      : `<ErrorResponse><Error><Type>${error.status < 500 ? 'Sender' : 'Receiver'}</Type>${said}</Error></ErrorResponse>`
  const bytes = Buffer.from(body)
  response.writeHead(error.status, {
    'content-type': 'text/xml',
    'content-length': bytes.byteLength,
    connection: 'close',
  })
  response.end(headOnly ? undefined : bytes)
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
