// Images are built from nothing the first time: the timeout is a hang detector, not a measure. One file after the other, since builds share layers.
export default {
  files: ['test/images/**/*.test.ts'],
  extensions: ['ts'],
  nodeArguments: ['--disable-warning=ExperimentalWarning'],
  concurrency: 1,
  serial: true,
  timeout: '30m',
}
