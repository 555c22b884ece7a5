import { writeFile } from 'node:fs/promises'
import { isIPv6 } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { sendTo } from './exchange.ts'
import { readContract, readInput } from './files.ts'
import { isolationPhase } from './isolation.ts'
import { encodeResult, resultOf } from './result.ts'
import { contractTest } from './run.ts'

/**
 * The probe: runs beside the container under test, in the same Pod, and leaves what it found as its termination message. Exits with 0 for
 * Passed, 1 for Failed and 2 where it could not test.
 */
const PORT = 8080

const { values } = parseArgs({
  options: {
    folder: { type: 'string', default: '/contract' },
    /** The Pod's own address: on 127.0.0.1 a server would answer that SageMaker does not reach. */
    host: { type: 'string', default: '127.0.0.1' },
    output: { type: 'string', default: '/dev/termination-log' },
    'api-host': { type: 'string', default: '' },
    'api-port': { type: 'string', default: '' },
  },
})
// The first process of a container ends by a signal only where it handles it.
process.once('SIGTERM', () => process.exit(143))

const now = () => performance.now()
const url = (host: string) => `http://${isIPv6(host) ? `[${host}]` : host}:${PORT}`
const contract = await readContract(values.folder)
const { phases } = await contractTest({
  send: sendTo(url(values.host), now),
  loopback: sendTo(url('127.0.0.1'), now),
  port: PORT,
  contract,
  input: (invocation) => readInput(values.folder, contract, invocation),
  clock: {
    now,
    delay: (milliseconds, signal) => sleep(milliseconds, undefined, { signal }),
    signal: new AbortController().signal,
  },
})
if (contract.isolation && Number(values['api-port']) > 0)
  phases.push(await isolationPhase(values['api-host'], Number(values['api-port'])))
const result = resultOf(phases)
const message = encodeResult(result)
await writeFile(values.output, message)
process.stdout.write(`${message}\n`)
process.exit({ Passed: 0, Failed: 1, Error: 2 }[result.verdict])
