import test from 'ava'
import { FIXTURE_MODELS, realApp } from '../fixtures/world.ts'

const app = realApp(`${FIXTURE_MODELS}/rooms`, { requests: 100 })
test.before(() => app.load())
test.after.always(() => app.close())

/** What every object of JavaScript has without being given it. */
for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']) {
  test(`a field called ${name} is a field that the task does not know, wherever it stands`, async (t) => {
    const json = { 'content-type': 'application/json' }
    const png = { 'content-type': 'image/png' }
    const parts = { 'content-type': 'multipart/form-data; boundary=b' }
    const part = `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n1\r\n--b--\r\n`
    const file = `--b\r\nContent-Disposition: form-data; name="${name}"; filename="f"\r\n\r\n1\r\n--b--\r\n`
    for (const [what, request] of Object.entries({
      json: { url: '/invocations', headers: json, payload: `{"image":"AAAA","${name}":1}` },
      query: { url: `/invocations?${name}=1`, headers: png, payload: 'x' },
      attributes: {
        url: '/invocations',
        headers: { ...png, 'x-amzn-sagemaker-custom-attributes': `${name}=1` },
        payload: 'x',
      },
      part: { url: '/invocations', headers: parts, payload: part },
      file: { url: '/invocations', headers: parts, payload: file },
    })) {
      const response = await app.http.inject({ method: 'POST', ...request })
      t.true([400, 422].includes(response.statusCode), `${what}: ${response.statusCode} ${response.body}`)
    }
  })
}
