import test from 'ava'
import { metrics } from '../../operator/metrics.ts'
import { buildServer } from '../../operator/server.ts'

test('probes say what they are asked, and nothing else answers', async (t) => {
  const state = { ready: false, healthy: true }
  const app = buildServer({ ready: () => state.ready, healthy: () => state.healthy, registry: metrics().registry })
  t.teardown(() => app.close())
  const status = async (url: string) => (await app.inject({ url })).statusCode
  t.is(await status('/readyz'), 503)
  state.ready = true
  t.is(await status('/readyz'), 200)
  t.is(await status('/healthz'), 200)
  state.healthy = false
  t.is(await status('/healthz'), 503)
  t.is(await status('/debug'), 404)
})

test('an endpoint has one phase at a time in the metrics, and none once it is gone', async (t) => {
  const all = metrics()
  const app = buildServer({ ready: () => true, healthy: () => true, registry: all.registry })
  t.teardown(() => app.close())
  const series = async () =>
    (await app.inject({ url: '/metrics' })).body.split('\n').filter((line) => line.includes('name="segment"'))
  all.endpoint('vision', 'segment', { phase: 'Creating', ready: false, instances: 0 })
  all.endpoint('vision', 'segment', { phase: 'InService', ready: true, instances: 2 })
  const lines = await series()
  t.is(lines.length, 3)
  t.true(lines.includes('mooring_endpoint_phase{namespace="vision",name="segment",phase="InService"} 1'))
  t.true(lines.includes('mooring_endpoint_instances{namespace="vision",name="segment"} 2'))
  all.endpoint('vision', 'segment', undefined)
  t.deepEqual(await series(), [])
})
