import { spawn } from 'node:child_process'
import { assertPresent, down, up } from './cluster.ts'
import { run } from './process.ts'

/**
 * `npm run test:images`: builds the images and runs them on a real one-node cluster. Arguments go to ava. A cluster that answered already is
 * left as it was.
 */
if (process.getuid?.() !== 0) throw new Error('run this as root: buildah, containerd and the kubelet need it')
await assertPresent()
console.error('a one-node cluster (the first time, it is built from source)')
const { kubeconfigPath, started } = await up()
let code = 1
try {
  // `up` installs it where it is missing.
  await run('buildah', ['--version'])
  const ava = spawn('ava', ['--config', 'ava.images.config.js', ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, MOORING_NODE_KUBECONFIG: kubeconfigPath },
  })
  const stop = () => ava.kill('SIGTERM')
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  code = await new Promise<number>((resolve, reject) => {
    ava.once('error', reject)
    ava.once('exit', (exitCode) => resolve(exitCode ?? 1))
  })
} finally {
  if (started) await down()
}
process.exit(code)
