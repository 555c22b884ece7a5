import { spawn } from 'node:child_process'
import { startControlPlane } from '../local/control-plane/control-plane.ts'
import { obtainable, resolveTool } from './tools.ts'

/** Runs ava with one kube-apiserver for the whole run; each test file works in namespaces of its own. Arguments go to ava. */
// Several files want it, and building it, the first time, takes longer than a test may.
if (await obtainable('registry')) await resolveTool('registry')
const controlPlane = await startControlPlane({ progress: (message) => console.error(message) })
const ava = spawn('ava', process.argv.slice(2), {
  stdio: 'inherit',
  env: {
    ...process.env,
    MOORING_TEST_KUBECONFIG: controlPlane.kubeconfigPath,
    MOORING_TEST_KUBECTL: controlPlane.kubectl,
  },
})
const stop = () => ava.kill('SIGTERM')
process.once('SIGINT', stop)
process.once('SIGTERM', stop)
const code = await new Promise<number>((resolve) => ava.once('exit', (exitCode) => resolve(exitCode ?? 1)))
await controlPlane.stop()
process.exit(code)
