import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { scaledClock } from './clock.ts'
import { startLocalCloud } from './cloud.ts'
import { parseRateLimit } from './rate-limits.ts'

const USAGE = `npm run local -- [--port 4566] [--speed 60] [--images FILE.json] [--instant]
                 [--rate-limit SERVICE[.OPERATION]=CALLS_PER_SECOND[/BURST]]... [--event-queue NAME]
                 start; --speed: minutes of SageMaker per real minute; --instant: its transitions take no time;
                 --rate-limit: beyond it, calls are throttled; --event-queue: an SQS queue that gets every state change
                 of endpoints, and every push of an image
npm run local -- state | calls | faults | rate-limits [--url URL]   look into a running one
npm run local -- rate-limit SERVICE[.OPERATION]=CALLS_PER_SECOND[/BURST]...|none [--url URL]
                 in place of those before
npm run local -- fault NAME|SERVICE.OPERATION [--subject S] [--effect throttle|error|drop|drop-response|delay|stale]
                 [--code C] [--message M] [--reason R] [--delay-ms N] [--times N]
                 [--probability 0..1] [--instance-type T] [--url URL]
npm run local -- fault clear [--url URL]
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    port: { type: 'string', default: '4566' },
    speed: { type: 'string', default: '1' },
    images: { type: 'string' },
    'rate-limit': { type: 'string', multiple: true, default: [] },
    'event-queue': { type: 'string' },
    instant: { type: 'boolean', default: false },
    url: { type: 'string' },
    subject: { type: 'string' },
    effect: { type: 'string' },
    code: { type: 'string' },
    message: { type: 'string' },
    reason: { type: 'string' },
    'delay-ms': { type: 'string' },
    times: { type: 'string' },
    probability: { type: 'string' },
    'instance-type': { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

const INSTANT = { creating: 0, updating: 0, deleting: 0, instanceStart: 0 }

async function serve(): Promise<void> {
  const port = Number(values.port)
  const speed = Number(values.speed)
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error('--port is a port number, or 0 for any free one')
  const images = values.images ? JSON.parse(await readFile(values.images, 'utf8')) : []
  const delays = values.instant ? INSTANT : {}
  const eventQueue = values['event-queue']
  const cloud = await startLocalCloud({
    port,
    clock: scaledClock(speed),
    images,
    delays,
    rateLimits: values['rate-limit'].map(parseRateLimit),
    ...(eventQueue === undefined ? {} : { eventQueue }),
  })
  const { environment, eventQueueUrl } = cloud
  const lines = Object.entries({
    ...environment,
    ...(eventQueueUrl ? { MOORING_EVENT_QUEUE_URL: eventQueueUrl } : {}),
  }).map(([name, value]) => `export ${name}=${value}`)
  console.log(`The local cloud answers at ${cloud.url}, ${speed === 1 ? 'in real time' : `${speed} times as fast as real time`}.
It is a development tool: nothing is persistent, nobody is authenticated, and it listens on loopback only.

${lines.join('\n')}
`)
  const stop = () => {
    cloud.stop().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
}

async function ask(method: string, path: string, body?: unknown): Promise<void> {
  const url = values.url ?? process.env.AWS_ENDPOINT_URL ?? `http://127.0.0.1:${values.port}`
  const response = await fetch(`${url}/_local/${path}`, { method, ...(body ? { body: JSON.stringify(body) } : {}) })
  const text = await response.text()
  console.log(JSON.stringify(JSON.parse(text), null, 2))
  if (!response.ok) process.exitCode = 1
}

function fault(target: string): Record<string, unknown> {
  const number = (text: string | undefined) => (text === undefined ? undefined : Number(text))
  const { subject, effect, code, message, reason } = values
  // Named faults have a dash in their second part, as in endpoint.create-fails; operations are CamelCase.
  const isOperation = /\.(\*|[A-Z])/.test(target)
  return {
    ...(isOperation ? { operation: target, effect: effect ?? 'throttle' } : { name: target }),
    ...Object.fromEntries(
      Object.entries({
        subject,
        code,
        message,
        reason,
        delayMs: number(values['delay-ms']),
        times: number(values.times),
        probability: number(values.probability),
        instanceType: values['instance-type'],
      }).filter(([, value]) => value !== undefined),
    ),
  }
}

const [command, target, ...more] = positionals
try {
  if (values.help) console.log(USAGE)
  else if (!command) await serve()
  else if (['state', 'calls', 'faults', 'rate-limits'].includes(command)) await ask('GET', command)
  else if (command === 'fault' && target === 'clear') await ask('DELETE', 'faults')
  else if (command === 'fault' && target) await ask('POST', 'faults', fault(target))
  else if (command === 'rate-limit' && target === 'none') await ask('DELETE', 'rate-limits')
  else if (command === 'rate-limit' && target) await ask('PUT', 'rate-limits', [target, ...more].map(parseRateLimit))
  else {
    console.error(USAGE)
    process.exitCode = 2
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
