import { parseArgs } from 'node:util'
import { getEndpoint, patchEndpoint } from './kubectl.ts'
import { table } from './table.ts'

export const ROLLBACK_USAGE = `kubectl mooring history NAME [-n NS]
kubectl mooring rollback NAME [--to NUMBER] [-n NS]
kubectl mooring resume NAME [-n NS]

  history    the revisions that the endpoint can go back to
  rollback   serves an earlier revision (default: the last good one before the current) until resume; sets spec.revision
  resume     follows the rest of the spec again; takes spec.revision out
`

type Revision = {
  number: number
  endpointConfigName: string
  image?: string
  firstAttemptTime: string
  outcome: 'InProgress' | 'Succeeded' | 'Failed'
}

/** An AsyncInferenceEndpoint, as far as it is needed here. */
export type Revised = {
  spec: { revision?: number }
  status?: { currentRevision?: number; attemptedRevision?: number; revisions?: Revision[] }
}

/** Shows, chooses or lets go of a revision. Answers the exit code. */
export async function revisions(command: 'history' | 'rollback' | 'resume', args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { namespace: { type: 'string', short: 'n' }, to: { type: 'string' } },
  })
  const [name, ...more] = positionals
  if (!name || more.length > 0 || (values.to !== undefined && command !== 'rollback')) {
    process.stderr.write(ROLLBACK_USAGE)
    return 2
  }
  const endpoint = await getEndpoint<Revised>(name, values.namespace)
  if (command === 'history') {
    process.stdout.write(historyTable(endpoint))
    return 0
  }
  if (command === 'resume') {
    await patchEndpoint(name, values.namespace, { spec: { revision: null } })
    process.stdout.write(`${name} follows its spec again.\n`)
    return 0
  }
  const to = chooseRevision(endpoint, values.to)
  await patchEndpoint(name, values.namespace, { spec: { revision: to.number } })
  process.stdout.write(
    `${name} goes to revision ${to.number} (${imageOf(to)}) and stays there. When the spec is mended: kubectl mooring resume ${name}\nA tool that applies manifests from Git, such as Argo CD, takes spec.revision out again unless it is in Git too.\n`,
  )
  return 0
}

/**
 * The revision to go back to: the one asked for, else the newest good one other than the current.
 * @throws Error that says which there are
 */
export function chooseRevision({ status }: Revised, to: string | undefined): Revision {
  const known = status?.revisions ?? []
  const numbers = known.map(({ number }) => number).join(', ') || 'none'
  if (to !== undefined) {
    const wanted = known.find(({ number }) => String(number) === to)
    if (!wanted) throw new Error(`there is no revision ${to}; kept are: ${numbers}`)
    return wanted
  }
  const good = known.find(({ number, outcome }) => outcome === 'Succeeded' && number !== status?.currentRevision)
  if (!good) throw new Error(`there is no earlier good revision to go back to; kept are: ${numbers}`)
  return good
}

/** The revisions as a table, the newest first. */
export function historyTable({ spec, status }: Revised): string {
  const known = status?.revisions ?? []
  if (known.length === 0) return 'No revisions yet.\n'
  return table([
    ['REVISION', 'OUTCOME', 'SINCE', 'IMAGE', 'CONFIGURATION', ''],
    ...known.map((revision) => [
      String(revision.number),
      revision.outcome,
      revision.firstAttemptTime,
      imageOf(revision),
      revision.endpointConfigName,
      [
        revision.number === status?.currentRevision ? 'serves' : '',
        revision.number === spec.revision ? 'spec.revision' : '',
      ]
        .filter(Boolean)
        .join(', '),
    ]),
  ])
}

/** The first 12 digits of the digest, as `kubectl get` shows them. */
function imageOf({ image = '' }: Revision): string {
  return image.split('@sha256:')[1]?.slice(0, 12) ?? '-'
}
