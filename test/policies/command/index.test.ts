import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { virtualClock } from '../../../src/base/time/virtual-clock.ts'
import { BadRequestError, bind, CommandError, command, isRejection, retry } from '../../../src/policies/index.ts'

const settle = () => new Promise(resolve => setImmediate(resolve))
const down = async (): Promise<string> => {
  throw new Error('down')
}

test('is a function of the same parameters and this, with a name', async () => {
  const store = {
    prefix: 'u',
    get: command('GetUser', async function (this: { prefix: string }, id: number) {
      return this.prefix + id
    }),
  }
  expect([await store.get(7), store.get.name]).toEqual(['u7', 'GetUser'])
  const twice = command('Twice', (n: number) => n * 2)
  expect(await twice.execute(4)).toBe(8)
  const answered: string | number = await command('X', down, { getFallback: (_error, args: []) => args.length })()
  expect(answered).toBe(0)
})

test('an error says what happened, with its cause, and whether the callee was reached', async () => {
  const failed: any = await command('GetUser', down)().catch(e => e)
  expect(failed).toBeInstanceOf(CommandError)
  expect([failed.message, failed.code, failed.command, failed.failureType, failed.cause.message, isRejection(failed)]).toEqual([
    'GetUser failed and no fallback available.',
    'ERR_COMMAND',
    'GetUser',
    'COMMAND_EXCEPTION',
    'down',
    false,
  ])
  let tries = 0
  const shut = command('Shut', async () => tries++, { circuitBreaker: { forceOpen: true } })
  const refused: any = await retry({ attempts: 3 })
    .execute(() => shut())
    .catch(e => e)
  expect([refused.failureType, refused.cause.code, isRejection(refused), tries]).toEqual(['SHORTCIRCUIT', 'ERR_CIRCUIT_OPEN', true, 0])
})

test('after its time the work is told, the place is held until it has really ended, and no timer is left', async () => {
  const clock = virtualClock()
  let end!: () => void
  let signal!: AbortSignal
  const slow = command(
    'Slow',
    bind(call => {
      signal = call.signal
      return new Promise<void>(done => (end = done))
    }),
    { clock, threadPool: { coreSize: 1 } },
  )
  const first = slow().catch(e => e)
  await clock.advanceAsync(1000)
  expect([(await first).failureType, signal.aborted, slow.metrics.currentConcurrentExecutionCount]).toEqual(['TIMEOUT', true, 1])
  expect((await slow().catch(e => e)).failureType).toBe('REJECTED_THREAD_EXECUTION')
  end()
  await settle()
  expect([slow.metrics.currentConcurrentExecutionCount, clock.pending]).toEqual([0, 0])
  const again = slow().catch(e => e)
  await settle()
  end()
  expect(await again).toBeUndefined()
})

test('a queue in front of the pool: first come first served, refused when it is full, and its time counts', async () => {
  const clock = virtualClock()
  const ends: (() => void)[] = []
  const begun: number[] = []
  const work = (n: number) => {
    begun.push(n)
    return new Promise<number>(done => ends.push(() => done(n)))
  }
  const queued = command('Queued', work, { clock, threadPool: { coreSize: 1, maxQueueSize: 10, queueSizeRejectionThreshold: 2 } })
  const [one, two, three] = [1, 2, 3].map(n => queued(n).catch(e => e.failureType))
  expect(await queued(4).catch(e => e.failureType)).toBe('REJECTED_THREAD_EXECUTION')
  await settle()
  ends.shift()!()
  expect(await one).toBe(1)
  await settle()
  expect(begun).toEqual([1, 2])
  await clock.advanceAsync(1000)
  expect([await two, await three]).toEqual(['TIMEOUT', 'TIMEOUT'])
  ends.shift()!()
  await settle()
  expect([begun, clock.pending]).toEqual([[1, 2], 0])
})

test('a call its caller gives up is CANCELLED: no fallback, no failure, no listener left', async () => {
  const happened: string[] = []
  const run = command(
    'X',
    bind(call => new Promise<never>((_, no) => call.signal.addEventListener('abort', () => no(call.signal.reason)))),
    { getFallback: () => happened.push('fallback') },
  )
  run.on('execution', ({ events }) => happened.push(...events))
  const controller = new AbortController()
  const call = run.with(controller)()
  controller.abort(new Error('enough'))
  await expect(call).rejects.toThrow('enough')
  expect([happened, getEventListeners(controller.signal, 'abort').length]).toEqual([['CANCELLED'], 0])
})

test('a listener or hook that throws changes nothing', async () => {
  const broken = () => {
    throw new Error('listener')
  }
  const run = command('X', down, { getFallback: () => 'fb', isBadRequest: broken, isUnrecoverable: broken, isNotWrapped: broken })
  for (const type of ['FAILURE', 'FALLBACK_SUCCESS', 'execution'] as const) run.on(type, broken)
  expect(await run()).toBe('fb')
  expect(run.metrics.currentConcurrentExecutionCount).toBe(0)
})

describe('request cache', () => {
  const make = () => {
    let runs = 0
    const request = { current: {} as object | undefined }
    const run = command(
      'X',
      bind(async (call, id: string) => {
        runs++
        await settle()
        if (call.signal.aborted) throw call.signal.reason
        if (id === 'bad') throw new BadRequestError('bad')
        return `${id}${runs}`
      }),
      { getCacheKey: id => (id === 'uncached' ? undefined : id), requestContext: () => request.current },
    )
    return { run, request, runs: () => runs }
  }
  test('within one request a key is asked once, its failure too; another request asks anew', async () => {
    const { run, request, runs } = make()
    const happened: string[][] = []
    run.on('execution', ({ events }) => happened.push([...events]))
    expect(await Promise.all([run('a'), run('a'), run('b')])).toEqual(['a2', 'a2', 'b2'])
    expect(happened).toEqual([['SUCCESS'], ['RESPONSE_FROM_CACHE'], ['SUCCESS']])
    for (let i = 0; i < 2; i++) await expect(run('bad')).rejects.toThrow('bad')
    expect(runs()).toBe(3)
    request.current = {}
    expect(await run('a')).toBe('a4')
    run.clearCache('a')
    expect(await run('a')).toBe('a5')
    request.current = undefined
    expect([await run('a'), await run('a')]).toEqual(['a6', 'a7'])
  })
  test('without a key, or switched off, nothing is kept', async () => {
    const { run, runs } = make()
    await run('uncached')
    await run('uncached')
    run.update({ requestCache: { enabled: false } })
    await run('a')
    await run('a')
    expect(runs()).toBe(4)
  })
  test('who gives up does so for himself alone', async () => {
    const { run } = make()
    const controller = new AbortController()
    const leader = run.with(controller)('a')
    const follower = run('a')
    controller.abort(new Error('enough'))
    await expect(leader).rejects.toThrow('enough')
    expect(await follower).toBe('a2')
    expect(await run('a')).toBe('a2')
  })
})

test('properties are checked together and changed without losing what was counted', async () => {
  expect(() => command('X', down, { circuitBreaker: { errorThresholdPercent: 1 } as any, threadPool: { coreSize: 0 } })).toThrow(
    /errorThresholdPercent.*did you mean errorThresholdPercentage.*coreSize/,
  )
  expect(() => command('X', down, { metrics: { rollingStats: { numBuckets: 7 } } })).toThrow(
    'metrics.rollingStats.numBuckets: 7 does not divide',
  )
  const clock = virtualClock()
  const run = command('X', down, { clock })
  for (let i = 0; i < 20; i++) await run().catch(() => {})
  clock.advance(500)
  expect(run.metrics).toMatchObject({ isCircuitBreakerOpen: false, health: { totalRequests: 20, errorPercentage: 100 } })
  run.update({ circuitBreaker: { requestVolumeThreshold: 21 } })
  expect(run.isCircuitBreakerOpen()).toBe(false)
  run.update({ circuitBreaker: { requestVolumeThreshold: 20 } })
  expect([run.isCircuitBreakerOpen(), run.properties.circuitBreaker.sleepWindowInMilliseconds]).toEqual([true, 5000])
  const { failureType, retryAfter } = await run().catch(e => e)
  expect([failureType, retryAfter]).toEqual(['SHORTCIRCUIT', 5000])
})
