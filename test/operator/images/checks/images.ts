import { type ImageChecks, imageChecks } from '../../../../operator/api/image-checks.ts'
import type { Target } from '../../../../operator/images/checks/finding.ts'
import { runChecks } from '../../../../operator/images/checks/run.ts'
import type { CheckResult } from '../../../../operator/images/checks.ts'
import type { ImageConfig, ImageFacts } from '../../../../operator/images/facts.ts'
import type { FileIndex } from '../../../../operator/images/layers/files.ts'
import type { ImageSource } from '../../../../operator/images/source.ts'
import { memorySource } from '../memory-source.ts'

export const NOW = new Date('2026-06-01T00:00:00Z')
const LAYERS = ['a', 'b', 'c'].map((letter) => `sha256:${letter.repeat(64)}`)
const DIFF_IDS = ['1', '2', '3'].map((letter) => `sha256:${letter.repeat(64)}`)

/** An image as SageMaker likes it; what is given takes the place of what it has. */
export function anImage(config: Partial<ImageConfig> = {}, facts: Partial<ImageFacts> = {}): ImageFacts {
  return {
    repositoryUri: 'registry.example/team/sam',
    tag: '1.4.0',
    digest: `sha256:${'d'.repeat(64)}`,
    layers: LAYERS.map((digest) => ({
      mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
      digest,
      size: 2_000_000_000,
    })),
    sizeBytes: 6_000_000_000,
    config: {
      os: 'linux',
      architecture: 'amd64',
      createdAt: '2026-05-20T00:00:00.000Z',
      workingDir: '/opt/program',
      entrypoint: ['python', '/opt/program/inference.py'],
      cmd: [],
      env: { PATH: '/opt/program:/usr/local/bin:/usr/bin:/bin', MODEL: 'sam3' },
      labels: {},
      exposedPorts: ['8080/tcp'],
      history: [{ createdBy: 'COPY . /opt/program # buildkit', emptyLayer: false }],
      diffIds: DIFF_IDS,
      ...config,
    },
    ...facts,
  }
}

/** What may be left out of spec.checks is left out. */
export type GivenChecks = { [Name in keyof ImageChecks]?: Partial<ImageChecks[Name]> }
export type Circumstances = {
  source?: Partial<ImageSource>
  /** Paths of the unpacked image. */
  files?: string[]
  /** Those of them that nobody may run. */
  inert?: string[]
  unread?: string
  target?: Target
  signal?: AbortSignal
  find?: FileIndex['find']
}

export async function check(facts: ImageFacts, given: GivenChecks, around: Circumstances = {}): Promise<CheckResult[]> {
  const {
    source,
    files = [],
    inert = [],
    unread,
    target = { instanceTypes: [] },
    signal = AbortSignal.timeout(60_000),
  } = around
  return await runChecks(imageChecks.parse(given), facts, {
    source: { ...memorySource(), ...source },
    files: {
      find:
        around.find ??
        (async (_source, _layers, { required, forbidden }) => {
          const wanted = [...required, ...forbidden]
          const absent = wanted.filter((path) => !files.includes(path))
          return {
            present: new Set(wanted.filter((path) => files.includes(path))),
            inert: new Set(wanted.filter((path) => inert.includes(path))),
            undecided: new Set(unread === undefined ? [] : absent),
            ...(unread === undefined ? {} : { unread }),
          }
        }),
    },
    target,
    now: NOW,
    signal,
  })
}

export { DIFF_IDS, LAYERS }
