import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startControlPlane } from '../local/control-plane/control-plane.ts'
import { clients } from './aws.ts'
import { demoConsole, StepError } from './console.ts'
import { kubernetes } from './kubernetes.ts'
import { type LocalCloudAdmin, startCloud } from './local-cloud.ts'
import { startOperator } from './operator.ts'
import { processes } from './processes.ts'
import { type Context, ENDPOINT, NAMESPACE, REGION } from './steps/context.ts'
import { deploy, prepareAccount } from './steps/deploy.ts'
import { failAndRecover } from './steps/recover.ts'
import { removeAll } from './steps/remove.ts'
import { editBadly } from './steps/roll-back.ts'
import { sleepAndWake } from './steps/scale.ts'
import { segmentPhoto } from './steps/segment.ts'
import { writeReport } from './summary.ts'
import { watcher } from './watcher.ts'

const OUTPUT = join(import.meta.dirname, '..', 'demo-output')
/** SageMaker's minutes pass as seconds, so that idling for 15 of them fits into a demo. */
const CLOCK_FACTOR = 60

const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false } } })
const interrupted = new AbortController()
const console = demoConsole(process.stdout)
const undo: (() => Promise<void>)[] = []

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => interrupted.abort(new Error(`ended by ${signal}`)))
}

async function demo(): Promise<void> {
  const { signal } = interrupted
  await rm(OUTPUT, { recursive: true, force: true })
  await mkdir(OUTPUT, { recursive: true })

  console.chapter('A cluster, a cloud, an operator')
  const children = await processes(join(OUTPUT, 'logs'))
  const controlPlane = await console.step('kube-apiserver and etcd answer; the CRDs are installed', (progress) =>
    startControlPlane({ progress, signal }),
  )
  undo.push(() => controlPlane.stop())
  undo.push(() => children.stop())
  const cluster = kubernetes(controlPlane.kubectl, controlPlane.kubeconfigPath, signal)
  const cloud = await console.step('the local cloud answers', () => startCloud(children, CLOCK_FACTOR, signal))
  await console.step('the operator is ready', () => startOperator(children, controlPlane.kubeconfigPath, cloud, signal))
  const watch = watcher({
    kubernetes: cluster,
    cloud,
    object: { kind: 'aie', namespace: NAMESPACE, name: ENDPOINT },
    onCondition: ({ type, status, reason, message }) =>
      console.note(`${type.padEnd(18)} ${status.padEnd(5)} ${reason}${message ? `: ${message.slice(0, 90)}` : ''}`),
  })
  undo.push(() => watch.stop())
  const context: Context = {
    console,
    signal,
    kubernetes: cluster,
    cloud,
    aws: clients(cloud.url, REGION),
    watcher: watch,
    processes: children,
  }

  console.chapter('From one manifest to an answered request')
  const { queueUrl } = await prepareAccount(context)
  await deploy(context)
  const endpointName = (await cluster.get('aie', NAMESPACE, ENDPOINT))?.status?.endpointName ?? ''
  const segmentation = await segmentPhoto(context, endpointName, queueUrl)

  console.chapter('A failure that would have been a night')
  const failure = await failAndRecover(context, endpointName)

  console.chapter('A bad edit that nobody had to undo in a hurry')
  const rolledBack = await editBadly(context, endpointName, OUTPUT)

  console.chapter('Nothing to do, nothing to pay')
  await sleepAndWake(context, endpointName)
  const describe = await cluster.kubectl('describe', 'aie', ENDPOINT, '-n', NAMESPACE)

  const report = () =>
    console.step('the report is written', () =>
      writeReport({
        directory: OUTPUT,
        cloud,
        watcher: watch,
        segmentation,
        failure,
        rolledBack,
        describe,
        clockFactor: CLOCK_FACTOR,
      }),
    )
  if (values.keep) {
    await report()
    return keep(context, endpointName, controlPlane.kubeconfigPath, cloud)
  }

  console.chapter('Gone without a trace')
  await removeAll(context)
  await watch.stop()
  await report()
  console.line(`\nOpen ${join('demo-output', 'report.html')}`)
}

/** Leaves all of it running until Ctrl-C. */
async function keep(
  { signal }: Context,
  endpointName: string,
  kubeconfig: string,
  cloud: LocalCloudAdmin,
): Promise<void> {
  console.line(`
Everything keeps running until Ctrl-C. In another terminal, here:

  export KUBECONFIG=${kubeconfig} AWS_ENDPOINT_URL=${cloud.url} AWS_REGION=${REGION} AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local

  kubectl describe aie ${ENDPOINT} -n ${NAMESPACE}
  npx -c 'node cli/main.ts invoke ${ENDPOINT} -n ${NAMESPACE} --input s3://mooring-demo/input/request.json --accept image/png --wait -o mask.png'
  npm run local -- fault endpoint.fails-in-service --times 1 --subject ${endpointName}
`)
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
}

let code = 0
try {
  await demo()
} catch (error) {
  code = 1
  if (interrupted.signal.aborted) console.line('\nInterrupted; stopping what was started.')
  else {
    const step = error instanceof StepError ? `The step “${error.step}” failed: ` : ''
    console.line(`\n${step}${error instanceof Error ? error.message : String(error)}`)
    console.line(`Logs: ${join('demo-output', 'logs')}/*.log`)
  }
} finally {
  for (const stop of undo.reverse()) {
    await stop().catch((error: unknown) => console.line(`while stopping: ${String(error)}`))
  }
  console.close()
}
process.exit(code)
