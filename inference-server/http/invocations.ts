import multipart from '@fastify/multipart'
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

/** What the log line and the metrics say of a request. */
export type Account = {
  services: Services
  task: string
  phases: Phases
  lifetime: Lifetime
  /** What it holds of the budgets. */
  holds: (() => void)[]
  working: boolean
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
  now: () => number
}

/** POST /invocations: JSON, multipart or a raw file in; by Accept JSON or one artifact out. */
export async function invocations(app: FastifyInstance, options: InvocationOptions): Promise<void> {
  const { maxBodyBytes: fileSize } = options
  await app.register(multipart, { limits: { fileSize, fieldSize: fileSize, files: 8, fields: 64, parts: 72 } })
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, text, done) => {
    try {
      done(null, parseJson(text as string))
    } catch (error) {
      done(error as Error)
    }
  })
  const raw = [...new Set(options.tasks.flatMap(rawTypes))]
  app.addContentTypeParser(raw, { parseAs: 'buffer' }, (_request, body, done) => done(null, body))

  app.post('/invocations', {
    // Places and bytes are taken before the body is read: a flood must not cost memory.
    onRequest: async (request, reply) => {
      const services = options.services()
      const length = Number(request.headers['content-length'] ?? options.maxBodyBytes)
      if (length > options.maxBodyBytes) throw new Failure('BodyTooLarge', 'The request body is too large.')
      const account: Account = {
        // Those of its arrival: who was let in is served, though the server drains meanwhile.
        services,
        task: 'none',
        phases: phases(options.now),
        lifetime: new Lifetime(options.requestTimeoutMs),
        holds: [],
        working: false,
      }
      request.account = account
      // A caller that leaves gets no response, and fastify no onResponse: the connection's end gives back what is held, unless
      // the work for it still goes on.
      reply.raw.once('close', () => {
        if (reply.raw.writableFinished) return
        account.lifetime.leave()
        if (!account.working) release(account)
      })
      try {
        await take(account, options.places, 1)
        await take(account, options.bodies, length)
      } catch (error) {
        release(account)
        throw error
      }
    },
    onResponse: async (request) => {
      if (request.account) release(request.account)
    },
    handler: async (request, reply) => {
      const { account } = request
      if (!account) throw new Failure('NotReady', 'The request was not admitted.')
      account.working = true
      try {
        return await answer(request, reply, account, options)
      } finally {
        account.working = false
        if (reply.raw.destroyed) release(account)
      }
    },
  })
}

async function take(account: Account, budget: Budget, amount: number): Promise<void> {
  const taking = budget.take(amount, account.lifetime)
  account.holds.push(typeof taking === 'function' ? taking : await taking)
}

function release(account: Account): void {
  account.lifetime.end()
  for (const give of account.holds.splice(0)) give()
}

async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  account: Account,
  options: InvocationOptions,
): Promise<FastifyReply> {
  const invocation = await readInvocation(request, options.maxBodyBytes)
  const bound = account.services.named(taskOf(invocation))
  const { task, service } = bound
  account.task = task.name
  const contentType = negotiate(request.headers.accept, task)
  const args = readArguments(invocation, bound)
  if (args.outputS3 !== undefined) options.store.assertWritable(args.outputS3)
  const files = await readFiles(args.files, account, options)
  const context = taskContext(options.shared, { ...account, requestId: request.id })
  const result = await service.perform({ files, fields: args.fields }, context)

  const trace = request.headers['x-amzn-sagemaker-custom-attributes']
  if (typeof trace === 'string') reply.header('x-amzn-sagemaker-custom-attributes', trace)
  const form = formOf(result, contentType)
  if (form) {
    const body = asBuffer(await form.body())
    return reply.header('server-timing', serverTiming(account)).type(form.contentType).send(body)
  }
  const { outputS3 } = args
  const json = await jsonOf(
    task.name,
    result,
    outputS3 === undefined
      ? undefined
      : async ({ contentType, suffix }, body) => {
          const uri = `${outputS3.endsWith('/') ? outputS3 : `${outputS3}/`}${keyOf(request.id)}${suffix}`
          await account.phases.time('upload', () => options.store.write(uri, body, contentType, account.lifetime))
          return uri
        },
  )
  return reply.header('server-timing', serverTiming(account)).type('application/json; charset=utf-8').send(json)
}

async function readFiles(
  files: Arguments['files'],
  account: Account,
  { downloads, store, maxBodyBytes }: InvocationOptions,
): Promise<Record<string, InputFile>> {
  const read: Record<string, InputFile> = {}
  const remote = Object.values(files).filter((file) => 'uri' in file).length
  // How long they are is not known yet; taking the most that they may be, once, cannot deadlock with others.
  if (remote > 0) await take(account, downloads, remote * maxBodyBytes)
  for (const [name, file] of Object.entries(files)) {
    read[name] =
      'uri' in file
        ? await account.phases.time('download', () => store.read(file.uri, maxBodyBytes, account.lifetime))
        : file
  }
  return read
}

/** The phases in milliseconds, as the standard header for them. */
function serverTiming({ phases: spent }: Account): string {
  return Object.entries(spent.entries())
    .map(([name, ms]) => `${name};dur=${ms}`)
    .join(', ')
}

/** The same request gives the same key, so that a repeat writes the same objects; nothing in it can change the prefix. */
const keyOf = (requestId: string) => requestId.replace(/[^A-Za-z0-9._-]/g, '_')
