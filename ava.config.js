// A test that starts real processes on a busy two-core machine may take minutes: the timeout is a hang detector, not a measure.
export default {
  files: ['test/**/*.test.ts'],
  extensions: ['ts'],
  nodeArguments: ['--disable-warning=ExperimentalWarning'],
  concurrency: 2,
  timeout: '5m',
}
