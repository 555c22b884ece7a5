// A test that starts real processes on a busy two-core machine may take minutes: the timeout is a hang detector, not a measure.
export default {
  // Those of test/images need root and a cluster with nodes: `npm run test:images`.
  files: ['test/**/*.test.ts', '!test/images/**'],
  extensions: ['ts'],
  nodeArguments: ['--disable-warning=ExperimentalWarning'],
  concurrency: 2,
  timeout: '5m',
}
