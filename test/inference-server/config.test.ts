import test from 'ava'
import { loadConfig } from '../../inference-server/config.ts'

test("the defaults are SageMaker's: port 8080, /opt/ml/model, 25 s to drain", (t) => {
  t.like(loadConfig({}, ['serve']), { port: 8080, modelDirectory: '/opt/ml/model', drainMs: 25_000, workers: 1 })
})

test('SM_MODEL_DIR goes before SAGEMAKER_MODEL_DIR', (t) => {
  t.is(loadConfig({ SM_MODEL_DIR: '/a', SAGEMAKER_MODEL_DIR: '/b' }, []).modelDirectory, '/a')
  t.is(loadConfig({ SAGEMAKER_MODEL_DIR: '/b' }, []).modelDirectory, '/b')
})

test("log levels are taken as words or as Python's numbers", (t) => {
  t.is(loadConfig({ SAGEMAKER_CONTAINER_LOG_LEVEL: '30' }, []).logLevel, 'warn')
  t.is(loadConfig({ SAGEMAKER_CONTAINER_LOG_LEVEL: 'DEBUG' }, []).logLevel, 'debug')
  t.throws(() => loadConfig({ SAGEMAKER_CONTAINER_LOG_LEVEL: 'loud' }, []), { message: /"loud" is not a log level/ })
})

for (const [name, value] of [
  ['SAGEMAKER_BIND_TO_PORT', '70000'],
  ['SAGEMAKER_MODEL_SERVER_WORKERS', '0'],
  ['SAGEMAKER_MODEL_SERVER_TIMEOUT', 'soon'],
  ['MOORING_QUEUE_LIMIT', '-1'],
] as const) {
  test(`${name}=${value} is refused by name`, (t) => {
    t.throws(() => loadConfig({ [name]: value }, []), { message: new RegExp(name) })
  })
}
