import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Budget } from '../core/budget.ts'
import { Failure } from '../core/errors.ts'
import { Lifetime } from '../core/lifetime.ts'
import { type Phases, phases } from '../core/phases.ts'
import type { ObjectStore } from '../storage/s3.ts'
import { type Shared, taskContext } from '../tasks/context.ts'
import type { Services } from '../tasks/services.ts'
import type { InputFile, Task } from '../tasks/task.ts'
import { asBuffer, formOf, jsonOf, negotiate } from './answer.ts'
import { type Arguments, rawTypes, readArguments, taskOf } from './arguments.ts'
import { parseJson, readInvocation } from './body.ts'
import type { Observation } from './invocation-line.ts'
import { MULTIPART_TYPE } from './multipart.ts'

/** One request from its arrival to the end of its response, or of its connection. */
type Account = {
  /** Those of its arrival: who was let in is served, though the server drains meanwhile. */
  services: Services | undefined
  task: string
  arrived: number
  phases: Phases
  lifetime: Lifetime
  /** Gives back what it holds of budgets and of kept memory. */
  holds: (() => void)[]
  working: boolean
  answered: boolean
}

declare module 'fastify' {
  interface FastifyRequest {
    account?: Account
  }
}

export type InvocationOptions = {
  /** The tasks that are served; throws while requests cannot be taken. */
  services: () => Services
  tasks: readonly Task[]
  shared: Shared
  store: ObjectStore
  places: Budget
  /** Bytes of bodies being held. */
  bodies: Budget
  /** Bytes of S3 objects being held. */
  downloads: Budget
  maxBodyBytes: number
  requestTimeoutMs: number
  /** Told of every request whose response was sent. */
  onEnd: (observation: Observation) => void
  /** Monotonic milliseconds. */
  now: () => number
}

/** POST /invocations: JSON, multipart or a raw file in; by Accept JSON or one artifact out. */
export async function invocations(app: FastifyInstance, options: InvocationOptions): Promise<void> {
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, text, done) => {
    try {
      done(null, parseJson(text as string))
    } catch (error) {
      done(error as Error)
    }
  })
  const raw = [...new Set([MULTIPART_TYPE, ...options.tasks.flatMap(rawTypes)])]
  app.addContentTypeParser(raw, { parseAs: 'buffer' }, (_request, body, done) => done(null, body))

  app.post('/invocations', {
    // Places and bytes are taken before the body is read: a flood must not cost memory.
    onRequest(request, reply, done) {
      const account = open(request, reply, options)
      account.services = options.services()
      const length = Number(request.headers['content-length'] ?? options.maxBodyBytes)
      if (length > options.maxBodyBytes) throw new Failure('BodyTooLarge', 'The request body is too large.')
      const waiting = take(account, [options.places, 1], [options.bodies, length])
      if (waiting) waiting.then(() => done(), done)
      else done()
    },
    async handler(request, reply) {
      const { account } = request
      if (!account?.services) throw new Failure('NotReady', 'The request was not admitted.')
      account.working = true
      try {
        return await answer(request, reply, account, account.services, options)
      } finally {
        account.working = false
        if (reply.raw.destroyed) release(account)
      }
    },
  })
}

/**
 * A request's account, closed by the end of its response or of its connection. Listeners in place of fastify's hooks, which
 * hear nothing of a caller that leaves: what a request holds must be given back all the same.
 */
function open(request: FastifyRequest, { raw }: FastifyReply, { now, requestTimeoutMs, onEnd }: InvocationOptions) {
  const account: Account = {
    services: undefined,
    task: 'none',
    arrived: now(),
    phases: phases(now),
    lifetime: new Lifetime(requestTimeoutMs),
    holds: [],
    working: false,
    answered: false,
  }
  request.account = account
  raw.on('finish', () => {
    account.answered = true
    release(account)
    const ms = Math.round((now() - account.arrived) * 100) / 100
    onEnd({ requestId: request.id, task: account.task, status: raw.statusCode, ms, phases: account.phases.entries() })
  })
  raw.on('close', () => {
    if (account.answered) return
    account.lifetime.leave()
    // Unless the work for it still goes on.
    if (!account.working) release(account)
  })
  return account
}

/** Takes these amounts of the budgets, one after the other; a promise where one has to be waited for. */
function take(account: Account, ...[next, ...others]: [budget: Budget, amount: number][]): Promise<void> | undefined {
  if (!next) return undefined
  const [budget, amount] = next
  const taking = budget.take(amount, account.lifetime)
  if (typeof taking === 'function') {
    account.holds.push(taking)
    return take(account, ...others)
  }
  return taking.then((give) => {
    account.holds.push(give)
    return take(account, ...others)
  })
}

function release(account: Account): void {
  account.lifetime.end()
  for (const give of account.holds) give()
  account.holds = []
}

async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  account: Account,
  services: Services,
  options: InvocationOptions,
): Promise<FastifyReply> {
  const invocation = await readInvocation(request)
  const bound = services.named(taskOf(invocation))
  const { task, service } = bound
  account.task = task.name
  const contentType = negotiate(request.headers.accept, task)
  const args = readArguments(invocation, bound)
  if (args.outputS3 !== undefined) options.store.assertWritable(args.outputS3)
  const files = await readFiles(args.files, account, options)
  const { lifetime, phases } = account
  const context = taskContext(options.shared, {
    lifetime,
    phases,
    requestId: request.id,
    hold: (give) => account.holds.push(give),
  })
  const result = await service.perform({ files, fields: args.fields }, context)

  const trace = request.headers['x-amzn-sagemaker-custom-attributes']
  if (typeof trace === 'string') reply.header('x-amzn-sagemaker-custom-attributes', trace)
  const form = formOf(result, contentType)
  if (form) {
    const body = asBuffer(await form.body())
    return reply.header('server-timing', serverTiming(phases)).type(form.contentType).send(body)
  }
  const { outputS3 } = args
  const json = await jsonOf(
    task.name,
    result,
    outputS3 === undefined
      ? undefined
      : async ({ contentType, suffix }, body) => {
          const uri = `${outputS3.endsWith('/') ? outputS3 : `${outputS3}/`}${keyOf(request.id)}${suffix}`
          await phases.time('upload', () => options.store.write(uri, body, contentType, lifetime))
          return uri
        },
  )
  return reply
    .header('server-timing', serverTiming(phases))
    .type('application/json; charset=utf-8')
    .send(JSON.stringify(json))
}

async function readFiles(
  files: Arguments['files'],
  account: Account,
  { downloads, store, maxBodyBytes }: InvocationOptions,
): Promise<Record<string, InputFile>> {
  const read: Record<string, InputFile> = {}
  const remote = Object.values(files).filter((file) => 'uri' in file).length
  // How long they are is not known yet; taking the most that they may be, once, cannot deadlock with others.
  if (remote > 0) await take(account, [downloads, remote * maxBodyBytes])
  for (const [name, file] of Object.entries(files)) {
    read[name] =
      'uri' in file
        ? await account.phases.time('download', () => store.read(file.uri, maxBodyBytes, account.lifetime))
        : file
  }
  return read
}

/** The phases in milliseconds, as the standard header for them. */
function serverTiming(spent: Phases): string {
  let header = ''
  for (const [name, ms] of Object.entries(spent.entries())) header += `${header && ', '}${name};dur=${ms}`
  return header
}

/** The same request gives the same key, so that a repeat writes the same objects; nothing in it can change the prefix. */
const keyOf = (requestId: string) => requestId.replace(/[^A-Za-z0-9._-]/g, '_')
