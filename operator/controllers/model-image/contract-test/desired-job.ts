import { Buffer } from 'node:buffer'
import { API_VERSION, GROUP } from '../../../api/names.ts'
import {
  BODY_FILE,
  CONTRACT_FILE,
  type ContractFile,
  configMapFolder,
  inputFile,
} from '../../../images/contract/files.ts'
import type { ObjectMeta } from '../../../kube/types.ts'
import { jobName, type Plan, testName } from './plan.ts'

/** The container under test, and the one that asks it. */
export const MODEL = 'model'
export const PROBE = 'probe'
/** Every Pod, Job and NetworkPolicy of a test carries it, with the test's name. */
export const TEST_LABEL = `${GROUP}/contract-test`
/** Where Mooring's image keeps the probe. */
const PROBE_COMMAND = ['node', 'operator/images/contract/main.ts']
const CONTRACT_FOLDER = '/contract'
const MODEL_FOLDER = '/opt/ml/model'
const PORT = 8080
/** Longer than the operator needs to read the result after a restart. */
const TTL_SECONDS = 3600
/** For what comes between the parts of a test: the kubelet's and the scheduler's own time. */
const SLACK_SECONDS = 120
/** Of all annotations of an object, by the API server. */
const MAX_ANNOTATION_BYTES = 262_144

/**
 * What a container as root needs to keep its own house: give files away, become another user, signal its children. Docker, and with it
 * SageMaker, grants these and more; without them nginx and gunicorn as root fail here and run there. None reaches beyond the container.
 */
const OWN_HOUSE = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID']

/** The annotations would be larger than the API server takes. */
export class InputsTooLarge extends Error {
  constructor() {
    super(
      'The inputs and checks of spec.contractTest.invocations are larger than 256 KiB together: put inputs into ConfigMaps.',
    )
    this.name = 'InputsTooLarge'
  }
}

/**
 * The Job of one attempt. The image under test runs as a native sidecar (an init container that is restarted always, Kubernetes 1.29 or
 * newer), the probe as the main container: they share the network of the Pod, so that the probe needs no way through a NetworkPolicy, and
 * when the probe ends, the kubelet stops the sidecar with SIGTERM and the Pod's grace period, as SageMaker does. The sidecar's exit code
 * tells whether it obeyed.
 * @throws InputsTooLarge
 */
export function desiredJob(plan: Plan) {
  const { test, image, probe } = plan
  const annotations = contractAnnotations(plan)
  const architecture = image.architecture ? { 'kubernetes.io/arch': image.architecture } : {}
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: metadataOf(plan, jobName(plan)),
    spec: {
      backoffLimit: 0,
      completions: 1,
      parallelism: 1,
      // The operator decides and cleans up long before both: they are for when it is gone.
      ttlSecondsAfterFinished: TTL_SECONDS,
      activeDeadlineSeconds: test.startTimeoutSeconds + test.timeoutSeconds + test.terminationSeconds + SLACK_SECONDS,
      template: {
        metadata: { labels: labelsOf(plan), annotations },
        spec: {
          restartPolicy: 'Never',
          terminationGracePeriodSeconds: test.terminationSeconds,
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          ...(test.serviceAccountName ? { serviceAccountName: test.serviceAccountName } : {}),
          ...(test.runtimeClassName ? { runtimeClassName: test.runtimeClassName } : {}),
          ...(plan.imagePullSecrets.length > 0
            ? { imagePullSecrets: plan.imagePullSecrets.map((name) => ({ name })) }
            : {}),
          nodeSelector: { 'kubernetes.io/os': 'linux', ...architecture, ...test.nodeSelector },
          ...(test.tolerations ? { tolerations: test.tolerations } : {}),
          securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
          initContainers: [modelContainer(plan)],
          containers: [probeContainer(probe)],
          volumes: [
            { name: 'contract', projected: { sources: contractSources(plan, Object.keys(annotations)) } },
            ...modelVolume(plan),
          ],
        },
      },
    },
  }
}

/** Cuts the test's Pods off; undefined where that is not wanted. */
export function desiredNetworkPolicy(plan: Plan) {
  if (!plan.test.isolation) return undefined
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: metadataOf(plan, testName(plan)),
    // No rule is given for either direction, so nothing is let through.
    spec: { podSelector: { matchLabels: { [TEST_LABEL]: testName(plan) } }, policyTypes: ['Ingress', 'Egress'] },
  }
}

function labelsOf(plan: Plan): Record<string, string> {
  return { 'app.kubernetes.io/managed-by': 'mooring', [TEST_LABEL]: testName(plan) }
}

function metadataOf(plan: Plan, name: string): ObjectMeta {
  const { namespace, name: owner, uid = '' } = plan.object.metadata
  return {
    name,
    ...(namespace ? { namespace } : {}),
    labels: labelsOf(plan),
    ownerReferences: [{ apiVersion: API_VERSION, kind: 'ModelImage', name: owner, uid, controller: true }],
  }
}

function modelContainer({ test, image }: Plan) {
  const restricted = test.podSecurity === 'Restricted'
  return {
    name: MODEL,
    image: image.reference,
    imagePullPolicy: 'IfNotPresent',
    // As `docker run IMAGE serve`: in the place of CMD, behind ENTRYPOINT.
    args: ['serve'],
    restartPolicy: 'Always',
    ports: [{ containerPort: PORT }],
    env: Object.entries(test.environment ?? {}).map(([name, value]) => ({ name, value: literal(value) })),
    ...(test.resources ? { resources: test.resources } : {}),
    // The end of the log is in status even where the log itself cannot be read.
    terminationMessagePolicy: 'FallbackToLogsOnError',
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'], ...(restricted ? {} : { add: OWN_HOUSE }) },
      ...(restricted ? { runAsNonRoot: true } : {}),
    },
    volumeMounts: test.modelData
      ? [
          {
            name: 'model-data',
            mountPath: MODEL_FOLDER,
            readOnly: true,
            ...(test.modelData.persistentVolumeClaim?.subPath
              ? { subPath: test.modelData.persistentVolumeClaim.subPath }
              : {}),
          },
        ]
      : [],
  }
}

/** Kubernetes would put other variables in the place of $(NAME). */
function literal(value: string): string {
  return value.split('$(').join('$$(')
}

function probeContainer({ image, pullPolicy }: Plan['probe']) {
  return {
    name: PROBE,
    image,
    imagePullPolicy: pullPolicy,
    command: [
      ...PROBE_COMMAND,
      `--folder=${CONTRACT_FOLDER}`,
      '--host=$(POD_IP)',
      '--api-host=$(KUBERNETES_SERVICE_HOST)',
      '--api-port=$(KUBERNETES_SERVICE_PORT)',
    ],
    env: [{ name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }],
    resources: { requests: { cpu: '50m', memory: '96Mi' }, limits: { memory: '384Mi' } },
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 65532,
      runAsGroup: 65532,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [{ name: 'contract', mountPath: CONTRACT_FOLDER, readOnly: true }],
  }
}

/** What the probe is told, as annotations of the Pod: they need no ConfigMap, and with it no right to write ConfigMaps. */
function contractAnnotations({ test }: Plan): Record<string, string> {
  const { pingTimeoutSeconds, timeoutSeconds, isolation } = test
  const invocations = (test.invocations ?? []).map(({ input, ...invocation }) => ({
    ...invocation,
    // Marked by its presence; the body has an annotation of its own, where nothing in it needs escaping.
    input: input.configMapKeyRef
      ? { configMapKeyRef: input.configMapKeyRef }
      : { [input.base64 === undefined ? 'inline' : 'base64']: '' },
  }))
  const contract: ContractFile = { pingTimeoutSeconds, timeoutSeconds, isolation, invocations }
  const annotations = Object.fromEntries([
    [annotation(CONTRACT_FILE), JSON.stringify(contract)],
    ...(test.invocations ?? []).flatMap(({ input }, index) =>
      input.configMapKeyRef ? [] : [[annotation(inputFile(index)), input.inline ?? input.base64 ?? '']],
    ),
  ]) as Record<string, string>
  const bytes = Object.entries(annotations).reduce((sum, pair) => sum + Buffer.byteLength(pair.join('')), 0)
  if (bytes > MAX_ANNOTATION_BYTES) throw new InputsTooLarge()
  return annotations
}

const annotation = (file: string) => `${GROUP}/${file}`

function contractSources({ test }: Plan, annotations: readonly string[]) {
  const items = annotations.map((name) => ({
    path: name.slice(GROUP.length + 1),
    fieldRef: { fieldPath: `metadata.annotations['${name}']` },
  }))
  const configMaps = (test.invocations ?? []).flatMap(({ input }, index) =>
    input.configMapKeyRef
      ? [
          {
            configMap: {
              name: input.configMapKeyRef.name,
              items: [{ key: input.configMapKeyRef.key, path: `${configMapFolder(index)}/${BODY_FILE}` }],
              // Without it the Pod would wait for ever, and say why in an event only: the probe says it in the verdict.
              optional: true,
            },
          },
        ]
      : [],
  )
  return [{ downwardAPI: { items } }, ...configMaps]
}

function modelVolume({ test: { modelData } }: Plan) {
  if (!modelData) return []
  const claim = modelData.persistentVolumeClaim
  return [
    {
      name: 'model-data',
      ...(claim ? { persistentVolumeClaim: { claimName: claim.claimName } } : { emptyDir: {} }),
    },
  ]
}
