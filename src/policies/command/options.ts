/** Options of a command: Hystrix's properties, nested as their names are (`hystrix.command.default.circuitBreaker.forceOpen`), with its defaults. */
import { clock } from '../../core/schema/around.ts'
import { boolean, hook, type InputOf, integer, type OptionsOf, object, oneOf } from '../../core/schema/index.ts'

export const commandFields = {
  circuitBreaker: object(
    'The breaker over the health of the last snapshots.',
    {
      enabled: boolean('Whether there is a breaker.', { default: true }),
      requestVolumeThreshold: integer('It does not open on fewer calls in the window.', { default: 20, min: 0 }),
      errorThresholdPercentage: integer('It opens when at least this share of them failed.', { default: 50, min: 0, unit: '%' }),
      sleepWindowInMilliseconds: integer('When open, one call is let through to test in each such time.', {
        default: 5000,
        min: 0,
        unit: 'ms',
      }),
      forceOpen: boolean('Refuses every call.', { default: false }),
      forceClosed: boolean('Lets every call through.', { default: false }),
    },
    { default: {} },
  ),
  execution: object(
    'How the work is run.',
    {
      timeout: object(
        'The time limit of the work.',
        { enabled: boolean('Whether the work has a time limit.', { default: true }) },
        { default: {} },
      ),
      isolation: object(
        'The bound of the work.',
        {
          strategy: oneOf(
            'THREAD: bounded by `threadPool`, may queue; SEMAPHORE: bounded by a counter, never queues.',
            ['THREAD', 'SEMAPHORE'],
            {
              default: 'THREAD',
            },
          ),
          thread: object(
            'The time limit, whatever the strategy.',
            {
              timeoutInMilliseconds: integer('The time limit.', { default: 1000, min: 1, unit: 'ms' }),
              interruptOnTimeout: boolean('Whether the work’s signal is aborted after it.', { default: true }),
            },
            { default: {} },
          ),
          semaphore: object(
            'The bound of the strategy SEMAPHORE.',
            { maxConcurrentRequests: integer('Calls at once.', { default: 10, min: 0 }) },
            { default: {} },
          ),
        },
        { default: {} },
      ),
    },
    { default: {} },
  ),
  fallback: object(
    'Whether and how `getFallback` is asked.',
    {
      enabled: boolean('Whether `getFallback` is asked at all.', { default: true }),
      isolation: object(
        'The bound of fallbacks.',
        {
          semaphore: object(
            'The semaphore of fallbacks.',
            { maxConcurrentRequests: integer('Fallbacks at once.', { default: 10, min: 0 }) },
            { default: {} },
          ),
        },
        { default: {} },
      ),
    },
    { default: {} },
  ),
  threadPool: object(
    'The bound of the strategy THREAD.',
    {
      coreSize: integer('Calls at once.', { default: 10, min: 1 }),
      maxQueueSize: integer('Calls that may wait for a place; -1: none.', { default: -1, min: -1 }),
      queueSizeRejectionThreshold: integer('Calls that wait, beyond which others are refused although the queue is longer.', {
        default: 5,
        min: 0,
      }),
    },
    { default: {} },
  ),
  metrics: object(
    'What is counted. Fixed when the command is made.',
    {
      rollingStats: object(
        'The counts of events.',
        {
          timeInMilliseconds: integer('Span of the counts.', { default: 10_000, min: 1, unit: 'ms' }),
          numBuckets: integer('Buckets of that span; must divide it.', { default: 10, min: 1 }),
        },
        { default: {} },
      ),
      healthSnapshot: object(
        'The health that the breaker looks at.',
        {
          intervalInMilliseconds: integer('How often the health changes; must divide the span of `rollingStats`.', {
            default: 500,
            min: 1,
            unit: 'ms',
          }),
        },
        { default: {} },
      ),
    },
    { default: {} },
  ),
  requestCache: object('The request cache.', { enabled: boolean('Whether `getCacheKey` is asked.', { default: true }) }, { default: {} }),
} as const

/** What a command has beside its properties. They stay as they were when it was made. */
export const commandHookFields = {
  getFallback: hook<(error: unknown, args: any) => any>(
    'Answers when the work failed, took too long or was not begun. Default: the command fails.',
  ),
  getCacheKey: hook<(...args: any[]) => string | undefined>('Key in the request cache. Default: no call is cached.'),
  requestContext: hook<() => object | undefined>('An object that stands for the current request. Default: none.'),
  isBadRequest: hook<(error: unknown) => boolean>('Whether an error is the caller’s fault. Default: a BadRequestError.'),
  isNotWrapped: hook<(error: unknown) => boolean>('Whether an error is passed on as it is, without a fallback. Default: none.'),
  isUnrecoverable: hook<(error: unknown) => boolean>('Whether an error leaves no sense in a fallback. Default: a stack overflow.'),
  clock,
} as const

/** Properties of `command`, as Hystrix names them. A wrong one throws an `OptionsError` that names every fault. */
export type CommandProperties = InputOf<typeof commandFields>
export type CommandSettings = OptionsOf<typeof commandFields>
