import test from 'ava'
import { parseChallenges } from '../../../../operator/images/oci/challenge.ts'

test('a challenge is taken apart, commas in quotes and escapes included', (t) => {
  t.deepEqual(
    parseChallenges('Bearer realm="https://auth.example/token",service="a \\"b\\", c", scope="repository:x:pull,push"'),
    [
      {
        scheme: 'bearer',
        parameters: { realm: 'https://auth.example/token', service: 'a "b", c', scope: 'repository:x:pull,push' },
      },
    ],
  )
})

test('several challenges in one header are told apart', (t) => {
  t.deepEqual(parseChallenges('Basic realm="x", Bearer realm=https://a.example/t, Negotiate'), [
    { scheme: 'basic', parameters: { realm: 'x' } },
    { scheme: 'bearer', parameters: { realm: 'https://a.example/t' } },
    { scheme: 'negotiate', parameters: {} },
  ])
})

test('what is no challenge is none', (t) => {
  for (const nothing of ['', ',,,', '"', '=', '\\'.repeat(10_000)]) t.deepEqual(parseChallenges(nothing), [])
})
