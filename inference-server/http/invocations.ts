import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Admission } from '../core/admission.ts'
import { Failure } from '../core/errors.ts'
import { type Phases, phases } from '../core/phases.ts'
import { taskNamed } from '../tasks/index.ts'
import type { TaskAnswer, TaskDependencies } from '../tasks/task.ts'
import { type Invocation, readCustomAttributes, readJsonInvocation } from './body.ts'

const IMAGE_TYPES = ['image/jpeg', 'image/png', 'image/webp', 'application/octet-stream']

/** What the log line and the metrics say of a request. */
export type Account = { task: string; phases: Phases; working: boolean; leave: () => void }

declare module 'fastify' {
  interface FastifyRequest {
    account?: Account
  }
}

export type InvocationOptions = {
  admission: Admission
  tasks: TaskDependencies
  requestTimeoutMs: number
  /** Throws while requests cannot be taken. */
  assertOpen: () => void
  now: () => number
}

/** POST /invocations: a JSON body, or an image with its prompt in the custom attributes; the answer's form by Accept. */
export function invocations(app: FastifyInstance, options: InvocationOptions): void {
  app.addContentTypeParser(IMAGE_TYPES, { parseAs: 'buffer' }, (_request, body, done) => done(null, body))

  app.post('/invocations', {
    // A place is taken before the body is read: a flood must not cost memory.
    onRequest: async (request, reply) => {
      options.assertOpen()
      const leave = options.admission.enter()
      const account: Account = { task: 'none', phases: phases(options.now), working: false, leave }
      request.account = account
      // A caller that leaves gets no response, and fastify no onResponse: the connection's end gives the place back, unless
      // the work for it still goes on.
      reply.raw.once('close', () => {
        if (!account.working) leave()
      })
    },
    onResponse: async (request) => request.account?.leave(),
    handler: async (request, reply) => {
      const { account } = request
      if (!account) throw new Failure('NotReady', 'The request was not admitted.')
      account.working = true
      try {
        return await answer(request, reply, account, options)
      } finally {
        account.working = false
        if (reply.raw.destroyed) account.leave()
      }
    },
  })
}

async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  account: Account,
  options: InvocationOptions,
): Promise<FastifyReply> {
  const { image, fields } = readInvocation(request)
  const task = taskNamed(fields.task)
  account.task = task.name
  const departed = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) departed.abort()
  })
  const run = { deadline: AbortSignal.timeout(options.requestTimeoutMs), departed: departed.signal }
  const result = await task.perform({ image, fields, phases: account.phases, run }, options.tasks)
  return send(request, reply, result)
}

function readInvocation(request: FastifyRequest): Invocation {
  const header = request.headers['x-amzn-sagemaker-custom-attributes']
  const attributes = readCustomAttributes(Array.isArray(header) ? header[0] : header)
  if (request.body === undefined || request.body === null) throw new Failure('InvalidRequest', 'The body is empty.')
  if (!Buffer.isBuffer(request.body)) return readJsonInvocation(request.body, attributes)
  if (request.body.length === 0) throw new Failure('InvalidRequest', 'The body is empty.')
  return { image: request.body, fields: attributes }
}

async function send(request: FastifyRequest, reply: FastifyReply, answer: TaskAnswer): Promise<FastifyReply> {
  const trace = request.headers['x-amzn-sagemaker-custom-attributes']
  if (typeof trace === 'string') reply.header('x-amzn-sagemaker-custom-attributes', trace)
  const accept = request.headers.accept ?? '*/*'
  if (accept.includes(answer.binary.contentType)) {
    return reply.type(answer.binary.contentType).send(Buffer.from(await answer.binary.body()))
  }
  return reply.type('application/json; charset=utf-8').send(await answer.json())
}
