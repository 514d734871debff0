/** A command: Hystrix's fixed composition round one function, for those who come from there. New code composes policies with `pipeline`. */
import { type Clock, systemClock } from '../../base/time/clock.ts'
import type { CallOptions } from '../../core/call.ts'
import { OptionsError } from '../../core/errors.ts'
import { Emitter, type EventNames, type Observable } from '../../core/events.ts'
import { askHook } from '../../core/hooks.ts'
import { workOf } from '../../core/policy.ts'
import { readOptions } from '../../core/schema/index.ts'
import { signalIssue } from '../../core/signal.ts'
import { type CommandEventType, EVENT_TYPES } from './events.ts'
import { type CommandHooks, CommandRunner, type Execution } from './execution.ts'
import type { Health } from './kernel.ts'
import { type CommandProperties, type CommandSettings, commandFields, commandHookFields } from './options.ts'
import { RequestCache } from './request-cache.ts'

export { BadRequestError, CommandError, type CommandEventType, type FailureType } from './events.ts'
export type { CommandProperties, Health }

export interface CommandOptions<A extends unknown[] = unknown[], F = never> extends CommandProperties {
  /** Answers when the work failed, took too long or was not begun. Gets what went wrong and the arguments. */
  getFallback?: ((error: unknown, args: A) => F | PromiseLike<F>) | undefined
  /** Key in the request cache; `undefined`: this call is not cached. Needs `requestContext`. */
  getCacheKey?: ((...args: A) => string | undefined) | undefined
  /** An object that stands for the current request, e.g. the store of an AsyncLocalStorage; `undefined` outside of one. */
  requestContext?: (() => object | undefined) | undefined
  /** Whether an error is the caller's fault: no failure, no fallback. Default: a BadRequestError. */
  isBadRequest?: ((error: unknown) => boolean) | undefined
  /** Whether an error is a failure that is passed on as it is, without a fallback. Default: none. */
  isNotWrapped?: ((error: unknown) => boolean) | undefined
  /** Whether an error leaves no sense in a fallback. Default: a stack overflow. */
  isUnrecoverable?: ((error: unknown) => boolean) | undefined
  clock?: Clock | undefined
}

export interface CommandEvent {
  readonly command: string
  /** What went wrong, when something did. */
  readonly error: unknown
}

export type CommandEvents = { [T in CommandEventType]: CommandEvent } & {
  /** A call is over. `events`: all that happened to it, in order (Hystrix's executionEvents). */
  execution: { readonly command: string; readonly events: readonly CommandEventType[]; readonly durationMs: number }
}

let all: (typeof commandFields & typeof commandHookFields) | undefined
/** Read together, so that a misspelt hook is told which one was meant. Put together with the first command. */
const allFields = () => (all ??= { ...commandFields, ...commandHookFields })

let names: EventNames<CommandEvents> | undefined
/** Made with the first command. */
const eventNames = () => (names ??= Object.fromEntries([...EVENT_TYPES, 'execution'].map(type => [type, 1])) as EventNames<CommandEvents>)

export interface CommandMetrics {
  /** Whether the last call found it open. Reading changes nothing. */
  readonly isCircuitBreakerOpen: boolean
  /** Of the last whole snapshots. */
  readonly health: Health
  /** Events of the last whole buckets; Hystrix's getRollingCount. */
  readonly rollingCounts: Readonly<Record<CommandEventType, number>>
  readonly currentConcurrentExecutionCount: number
}

export interface Command<A extends unknown[], R> extends Observable<CommandEvents> {
  /** Runs the command. Rejects with a CommandError (its `cause` is what went wrong) when there was no fallback to help. */
  (...args: A): Promise<R>
  readonly name: string
  /** The same as calling it. */
  execute(...args: A): Promise<R>
  /** The command for one call with options, e.g. a signal: `getUser.with({ signal })(id)`. A call that is aborted is CANCELLED, and gets no fallback. */
  with(options: CallOptions): (...args: A) => Promise<R>
  readonly metrics: CommandMetrics
  /** Whether the breaker is open, as the next call would find it: asking may open it, as in Hystrix. */
  isCircuitBreakerOpen(): boolean
  /** The properties in force. */
  readonly properties: CommandSettings
  /** Changes properties; those of `metrics` stay as they were when the command was made. */
  update(properties: CommandProperties): void
  /** Forgets what the current request has for a key. */
  clearCache(key: string): void
}

/**
 * Makes a command with Hystrix's defaults: at most 10 calls at once, 1 s of time, a breaker that opens at 50 % of at least 20 calls in 10 s.
 *
 * @throws OptionsError naming every wrong option.
 * @example
 * const getUser = command('GetUser', async id => ({ id }), { getFallback: () => ({ id: 'guest' }) })
 * console.log(await getUser('42')) // => { id: '42' }
 */
export function command<A extends unknown[], R, F = never>(
  name: string,
  fn: (this: any, ...args: A) => R | PromiseLike<R>,
  options: CommandOptions<A, F> = {},
): Command<A, R | F> {
  if (typeof name !== 'string') throw new TypeError("command: the first argument is its name, e.g. command('GetUser', id => fetchUser(id))")
  if (typeof fn !== 'function') throw new TypeError(`command ${name}: expected the function that does its work`)
  const {
    getFallback,
    getCacheKey,
    requestContext,
    isBadRequest,
    isNotWrapped,
    isUnrecoverable,
    clock = systemClock,
    ...properties
  } = readOptions(allFields(), options, 'command')
  const hooks = { getFallback, isBadRequest, isNotWrapped, isUnrecoverable } as CommandHooks
  const runner = new CommandRunner(name, divided(properties), hooks, clock)
  const events = new Emitter<CommandEvents>(`command ${name}`, eventNames())
  const cache = new RequestCache()

  const begin = (self: unknown, args: A, callOptions: CallOptions | undefined): Promise<unknown> => {
    const request = getCacheKey !== undefined && runner.settings.requestCache.enabled ? contextOf(requestContext) : undefined
    const key = request === undefined ? undefined : askHook(getCacheKey!, undefined, ...args)
    if (request === undefined || key === undefined) return run(self, args, callOptions)
    const known = cache.get(request, key)
    if (known !== undefined)
      return known.then(
        value => (cached(callOptions), value),
        error => {
          if (cache.wasCancelled(known)) return begin(self, args, callOptions)
          cached(callOptions)
          throw error
        },
      )
    const answer = run(self, args, callOptions)
    cache.set(request, key, answer)
    answer.catch(() => {
      if (callOptions?.signal?.aborted === true) cache.cancel(request, key, answer)
    })
    return answer
  }
  const run = async (self: unknown, args: A, callOptions: CallOptions | undefined): Promise<unknown> => {
    const started = clock.now()
    const execution: Execution = {
      work: workOf(fn, self, args),
      args,
      options: callOptions,
      events: [],
      happened(type, error) {
        execution.events.push(type)
        if (events.listening > 0) events.emit(type, { command: name, error })
      },
    }
    try {
      return await runner.run(execution)
    } catch (error) {
      const [first] = execution.events
      if (first === 'CANCELLED') throw error
      count('EXCEPTION_THROWN')
      // Hystrix does not tell these two to its notifier.
      if (events.listening > 0 && first !== 'SHORT_CIRCUITED' && first !== 'SEMAPHORE_REJECTED')
        events.emit('EXCEPTION_THROWN', { command: name, error })
      throw error
    } finally {
      execution.events.forEach(count)
      ended(execution.events, clock.now() - started)
    }
  }
  const count = (type: CommandEventType) => {
    runner.health.add(type, clock.now())
    runner.rolling.add(type, clock.now())
  }
  const ended = (happened: readonly CommandEventType[], durationMs: number) => {
    if (events.listening > 0) events.emit('execution', { command: name, events: happened, durationMs })
  }
  const cached = (callOptions: CallOptions | undefined) => {
    if (callOptions?.signal?.aborted) throw callOptions.signal.reason
    runner.rolling.add('RESPONSE_FROM_CACHE', clock.now())
    if (events.listening > 0) events.emit('RESPONSE_FROM_CACHE', { command: name, error: undefined })
    ended(['RESPONSE_FROM_CACHE'], 0)
  }

  function execute(this: unknown, ...args: A) {
    return begin(this, args, undefined) as Promise<R | F>
  }
  const own: Omit<Command<A, R | F>, 'name' | 'metrics' | 'properties'> = {
    execute: (...args: A) => execute(...args),
    with: callOptions => {
      const issue = signalIssue(callOptions, `command ${name}: with`)
      if (issue !== undefined) throw issue
      return function withOptions(this: unknown, ...args: A) {
        return begin(this, args, callOptions) as Promise<R | F>
      }
    },
    on: (type, listener, listening) => events.on(type, listener, listening),
    update(changed) {
      runner.update(read(merge(runner.settings, changed)))
    },
    isCircuitBreakerOpen() {
      const { forceOpen, forceClosed } = runner.settings.circuitBreaker
      return forceOpen || (!forceClosed && runner.breaker.isOpen(clock.now()))
    },
    clearCache(key) {
      const request = contextOf(requestContext)
      if (request !== undefined) cache.clear(request, key)
    },
  } as Omit<Command<A, R | F>, 'name' | 'metrics' | 'properties'>
  const metrics = (): CommandMetrics => {
    const now = clock.now()
    const { forceOpen, forceClosed } = runner.settings.circuitBreaker
    return {
      isCircuitBreakerOpen: forceOpen || (!forceClosed && runner.breaker.open),
      health: runner.health.health(now),
      rollingCounts: Object.fromEntries(EVENT_TYPES.map(type => [type, runner.rolling.count(type, now)])) as Record<
        CommandEventType,
        number
      >,
      currentConcurrentExecutionCount: runner.running,
    }
  }
  return Object.defineProperties(Object.assign(execute, own), {
    name: { value: name },
    metrics: { get: metrics, enumerable: true },
    properties: { get: () => runner.settings, enumerable: true },
  }) as unknown as Command<A, R | F>
}

const read = (properties: CommandProperties) => divided(readOptions(commandFields, properties, 'command'))

function divided(settings: CommandSettings): CommandSettings {
  const { rollingStats, healthSnapshot } = settings.metrics
  const span = rollingStats.timeInMilliseconds
  for (const [path, parts] of [
    ['metrics.rollingStats.numBuckets', rollingStats.numBuckets],
    ['metrics.healthSnapshot.intervalInMilliseconds', healthSnapshot.intervalInMilliseconds],
  ] as const)
    if (span % parts !== 0)
      throw new OptionsError(`command: ${path}: ${parts} does not divide metrics.rollingStats.timeInMilliseconds, ${span}`)
  return settings
}

/** The request under way; what is not an object cannot stand for one. */
function contextOf(hook: (() => object | undefined) | undefined): object | undefined {
  const context = hook && askHook(hook, undefined)
  return (typeof context === 'object' && context !== null) || typeof context === 'function' ? context : undefined
}

/** Properties with others on top, whatever their depth. */
function merge(below: any, above: any): any {
  if (typeof above !== 'object' || above === null || typeof below !== 'object' || below === null) return above
  const merged = { ...below }
  for (const [key, value] of Object.entries(above)) merged[key] = merge(below[key], value)
  return merged
}
