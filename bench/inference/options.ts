import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { SERVERS, type ServerName } from './servers.ts'
import { WORKLOADS, type WorkloadName } from './workloads.ts'

export type Options = {
  rounds: number
  /** For which a window's requests are sent. */
  seconds: number
  connections: readonly number[]
  workloads: readonly WorkloadName[]
  servers: readonly ServerName[]
  cores: number
}

/** Reads the command line. @throws Error naming what is not understood. */
export function options(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '3' },
      connections: { type: 'string', default: '1,8,32' },
      workloads: { type: 'string', default: WORKLOADS.join(',') },
      servers: { type: 'string', default: SERVERS.join(',') },
    },
  })
  return {
    rounds: positive('rounds', values.rounds),
    seconds: positive('seconds', values.seconds),
    connections: values.connections.split(',').map((each) => positive('connections', each)),
    workloads: known('workloads', values.workloads, WORKLOADS),
    servers: known('servers', values.servers, SERVERS),
    cores: availableParallelism(),
  }
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new Error(`--${name}: ${JSON.stringify(text)} is not a positive number`)
  return value
}

function known<T extends string>(name: string, text: string, names: readonly T[]): T[] {
  return text.split(',').map((each) => {
    const found = names.find((candidate) => candidate === each)
    if (found === undefined) throw new Error(`--${name}: ${JSON.stringify(each)} is none of ${names.join(', ')}`)
    return found
  })
}
