import { pino } from 'pino'
import type { Config } from '../../operator/config.ts'
import type { KubeClient } from '../../operator/kube/client.ts'
import type { Metrics } from '../../operator/metrics.ts'
import { type Operator, startOperator } from '../../operator/operator.ts'
import { type Clients, type ClientsOptions, clients, type RegionClients } from '../../operator/providers/clients.ts'
import type { History } from './history.ts'

/** Where in a call an operator dies: with the request unsent, or done and its answer unseen. */
export type CrashPoint = { calls: number; side: 'before' | 'after' }

export type IncarnationOptions = {
  name: string
  config: Config
  kube: KubeClient
  cloudUrl: string
  metrics: Metrics
  history: History
  now: () => number
  random: () => number
  /** After each request to AWS, whatever became of it. */
  onCall(call: AwsCall): void
  /** It wants its process to be ended. */
  onFatal(reason: string): void
  onCrash(): void
}

export type AwsCall = { service: string; operation: string; code: string }

/** One operator in this process, as good as a process of its own: it can die in the middle of anything. */
export type Incarnation = {
  /** From now on nothing of it reaches AWS or the API server, nor comes back to it. */
  crash(): void
  /** Crashes at that call from now on, of those to AWS and writes to the API server. */
  crashAt(point: CrashPoint): void
  /** SIGTERM: the passes under way end. */
  stop(): Promise<void>
  /** Resolves when what is left in memory of a dead one has ended too. */
  buried(): Promise<void>
}

/** What a dead operator's calls end in. */
class Dead extends Error {
  override name = 'Dead'
}

const silent = pino({ level: process.env.TEST_LOG_LEVEL ?? 'silent' })

export function startIncarnation(options: IncarnationOptions): Incarnation {
  const { name, config, kube, metrics, history, now, random } = options
  let dead = false
  let planned: CrashPoint | undefined
  let burial: Promise<void> | undefined

  const crash = () => {
    if (dead) return
    dead = true
    history.add(name, 'CRASHES')
    burial = starting.then((operator) => operator.stop()).catch(() => {})
    options.onCrash()
  }
  /** The switch between the operator and the world. */
  const through = async <T>(act: () => Promise<T>, counts: boolean): Promise<T> => {
    if (dead) throw new Dead()
    const side = counts && planned && --planned.calls <= 0 ? planned.side : undefined
    if (side) planned = undefined
    if (side === 'before') crash()
    if (dead) throw new Dead()
    const outcome = await act().then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    )
    if (side === 'after') crash()
    if (dead) throw new Dead()
    if ('error' in outcome) throw outcome.error
    return outcome.value
  }

  const starting: Promise<Operator> = startOperator({
    config,
    kube: guardedKube(kube, through, () => dead, history, name),
    log: silent,
    now,
    random,
    metrics,
    aws: (asked) => guardedClients(options, asked, through, () => dead),
    onFatal: (reason) => {
      if (!dead) options.onFatal(reason)
    },
  })
  // A start cut short by a crash has nobody to tell.
  starting.catch((error: unknown) => {
    if (!dead) options.onFatal(`the start failed: ${String(error)}`)
  })

  return {
    crash,
    crashAt: (point) => {
      planned = { ...point }
    },
    async stop() {
      history.add(name, 'is asked to stop')
      const operator = await starting
      await operator.stop()
      dead = true
      history.add(name, 'has stopped')
    },
    async buried() {
      await burial
    },
  }
}

type Through = <T>(act: () => Promise<T>, counts: boolean) => Promise<T>

function guardedClients(
  { cloudUrl, history, name, onCall }: IncarnationOptions,
  asked: ClientsOptions,
  through: Through,
  dead: () => boolean,
): Clients {
  const made = clients({ ...asked, endpoint: cloudUrl })
  const guarded = new WeakSet<RegionClients>()
  return {
    close: () => made.close(),
    pricing: () => made.pricing(),
    queues: (region) => made.queues(region),
    region(region) {
      const regional = made.region(region)
      if (guarded.has(regional)) return regional
      guarded.add(regional)
      for (const [service, client] of Object.entries(regional)) {
        // As in the operator's own counting: what differs between the stacks is not touched.
        const { middlewareStack } = client as unknown as Pick<RegionClients['sagemaker'], 'middlewareStack'>
        middlewareStack.add(
          (next, context) => async (request) => {
            const operation = String(context.commandName ?? 'Unknown').replace(/Command$/, '')
            const say = (code: string) => {
              history.add(name, `${service}.${operation} ${JSON.stringify(request.input)} → ${code}`)
              if (!dead()) onCall({ service, operation, code })
            }
            return through(async () => {
              try {
                const result = await next(request)
                say('OK')
                return result
              } catch (error) {
                say(error instanceof Error ? `${error.name}: ${error.message}` : String(error))
                throw error
              }
            }, true)
          },
          { step: 'deserialize', priority: 'high', name: 'lifeAndDeath' },
        )
      }
      return regional
    },
  }
}

function guardedKube(
  kube: KubeClient,
  through: Through,
  dead: () => boolean,
  history: History,
  name: string,
): KubeClient {
  const write = <T>(what: string, act: () => Promise<T>): Promise<T> =>
    through(async () => {
      try {
        const result = await act()
        history.add(name, `${what} → OK`)
        return result
      } catch (error) {
        history.add(name, `${what} → ${String(error)}`)
        throw error
      }
    }, true)
  return {
    list: (resource, options) => through(() => kube.list(resource, options), false),
    get: (resource, key) => through(() => kube.get(resource, key), false),
    create: (resource, object, namespace) =>
      write(`create ${resource.kind} ${eventText(object)}`, () => kube.create(resource, object, namespace)),
    replace: (resource, key, object) =>
      write(`replace ${resource.kind} ${key.name}`, () => kube.replace(resource, key, object)),
    delete: (resource, key, options) =>
      write(`delete ${resource.kind} ${key.name}`, () => kube.delete(resource, key, options)),
    podLog: (pod, options) => through(() => kube.podLog(pod, options), false),
    mergePatch: (resource, key, patch) =>
      write(`patch ${resource.kind} ${key.name} ${JSON.stringify(patch)}`, () => kube.mergePatch(resource, key, patch)),
    patchStatus: (resource, key, patch) =>
      write(`status of ${resource.kind} ${key.name} ${statusText(patch)}`, () =>
        kube.patchStatus(resource, key, patch),
      ),
    async *watch(resource, options) {
      if (dead()) throw new Dead()
      for await (const event of kube.watch(resource, options)) {
        if (dead()) throw new Dead()
        yield event as never
      }
    },
  }
}

function eventText(object: unknown): string {
  const { reason, note } = object as { reason?: string; note?: string }
  return reason ? `${reason}: ${note}` : ''
}

/** Conditions in short; the rest as it is. */
function statusText(patch: object): string {
  const { status = {} } = patch as { status?: { conditions?: { type: string; status: string; reason: string }[] } }
  const { conditions, ...rest } = status
  const short = conditions?.map((each) => `${each.type}=${each.status}/${each.reason}`).join(' ')
  return `${JSON.stringify(rest)} ${short ?? ''}`
}
