/**
 * Hystrix's own runs through `command`: 30 traces of 1.5.18's breaker and health window, those of 1.5.12 until its breaker opens, and the tables
 * of what each way through a command (execution and fallback) gives, says and notifies. What differs on purpose is named here with its number; a
 * test fails when a list grows.
 */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { virtualClock } from '../../../src/base/time/virtual-clock.ts'
import { BadRequestError, bind, CommandError, type CommandEventType, command } from '../../../src/policies/index.ts'

const file = (name: string) => readFileSync(new URL(`./${name}`, import.meta.url))
const settle = () => new Promise(resolve => setImmediate(resolve))

describe.each(['1.5.18', '1.5.12'])('breaker and health, %s', version => {
  const { traces } = JSON.parse(gunzipSync(file(`hystrix-breaker-${version}.json.gz`)).toString())
  /** Replayed up to the step at which Hystrix lets a call that was admitted before the trip close the breaker (A1). */
  const lateSuccessCloses: Record<string, number> = { d3: 61, d10: 66, d11: 82, d29: 77 }
  /** The breaker of 1.5.12 has three states and opens when a snapshot says so, not when somebody asks (A2): up to there it is the same. */
  const endOf = (trace: any) => {
    if (version === '1.5.18') return lateSuccessCloses[trace.id]
    const first = trace.steps.findIndex((step: any) => step.status !== 'CLOSED')
    return first < 0 ? undefined : first
  }
  /** A command gives one value and is no Observable: it does not emit. */
  const notOurs = ['EMIT', 'FALLBACK_EMIT']

  test('so much of it is replayed', () => {
    const [replayed, all] = [(t: any) => endOf(t) ?? t.steps.length, (t: any) => t.steps.length].map(steps =>
      traces.reduce((sum: number, trace: any) => sum + steps(trace), 0),
    )
    expect([replayed, all]).toEqual([version === '1.5.18' ? 3431 : 1314, 3653])
  })

  test('the list of differences does not grow, and the docs name each', () => {
    expect(Object.keys(lateSuccessCloses)).toHaveLength(4)
    const page = readFileSync(new URL('../../../docs/policies/command.md', import.meta.url), 'utf8')
    expect(page).toContain(
      `1.5.18 traces ${Object.keys(lateSuccessCloses)
        .map(id => `\`${id}\``)
        .join(', ')}`,
    )
  })

  test.each(traces as any[])('$id', async (trace: any) => {
    const c = trace.config
    const clock = virtualClock(0)
    const ends = new Map<number, (how: string) => void>()
    const aborters = new Map<number, AbortController>()
    const run = command(
      'x',
      bind(
        (call, id: number) =>
          new Promise<string>((answer, fail) => {
            call.signal.addEventListener('abort', () => fail(call.signal.reason))
            ends.set(id, how => (how === 'ok' ? answer('v') : fail(how === 'bad' ? new BadRequestError('bad') : new Error('down'))))
          }),
      ),
      {
        clock,
        ...(c.fallback ? { getFallback: () => 'fallback' } : {}),
        circuitBreaker: {
          requestVolumeThreshold: c.requestVolumeThreshold,
          errorThresholdPercentage: c.errorThresholdPercentage,
          sleepWindowInMilliseconds: c.sleepWindowMs,
        },
        execution: {
          timeout: { enabled: false },
          isolation: { strategy: 'SEMAPHORE', semaphore: { maxConcurrentRequests: c.semaphoreMaxConcurrent } },
        },
        metrics: {
          rollingStats: { timeInMilliseconds: c.rollingWindowMs, numBuckets: c.rollingBuckets },
          healthSnapshot: { intervalInMilliseconds: c.healthSnapshotIntervalMs },
        },
      },
    )
    const outs = new Map<number, string>()
    let over: readonly CommandEventType[] | undefined
    run.on('execution', ({ events }) => (over = events))
    const steps = trace.steps.slice(0, endOf(trace))
    for (const [i, step] of steps.entries()) {
      const where = `step ${i} ${step.op}`
      over = undefined
      if (step.op === 'advance') clock.advance(step.ms)
      else if (step.op === 'start') {
        const aborter = new AbortController()
        aborters.set(step.id, aborter)
        run
          .with(aborter)(step.id)
          .then(
            value => outs.set(step.id, `value:${value}`),
            e => outs.set(step.id, e instanceof CommandError ? `error:HystrixRuntimeException:${e.failureType}` : `error:Hystrix${e.name}`),
          )
      } else if (step.op === 'finish') step.how === 'unsubscribe' ? aborters.get(step.id)!.abort() : ends.get(step.id)!(step.how)
      else if (step.op === 'setProperty') run.update({ circuitBreaker: { [step.name.split('.')[1]]: step.value } })
      else if (step.op === 'isOpen') {
        const { forceOpen, forceClosed } = run.properties.circuitBreaker
        if (!forceOpen && !forceClosed) expect(run.isCircuitBreakerOpen(), where).toBe(step.result)
      }
      if (step.op === 'start' || step.op === 'finish') await settle()
      expect(over, where).toEqual(step.events?.filter((e: string) => !notOurs.includes(e)))
      if (step.events !== undefined && step.how !== 'unsubscribe') {
        const out = step.out[0].replace('HystrixBadRequestException', 'HystrixBadRequestError')
        expect(outs.get(step.id), where).toBe(out)
      }
      const { health, rollingCounts, isCircuitBreakerOpen } = run.metrics
      const { forceOpen, forceClosed } = run.properties.circuitBreaker
      if (!forceOpen && !forceClosed) expect(isCircuitBreakerOpen, where).toBe(step.circuitOpen ?? step.status === 'OPEN')
      expect([health.totalRequests, health.errorCount, health.errorPercentage], where).toEqual(step.health)
      const counted = Object.entries(rollingCounts).filter(([, n]) => n > 0)
      const recorded = Object.entries(step.rolling).filter(([type]) => !notOurs.includes(type))
      expect(Object.fromEntries(counted), where).toEqual(Object.fromEntries(recorded))
    }
  })
})

/** What a path through a command is, in JavaScript's terms. */
class NotWrapped extends Error {}
class Unrecoverable extends Error {}
const thrown: Record<string, () => unknown> = {
  failure: () => new Error('IllegalStateException'),
  checkedFailure: () => new Error('IOException'),
  error: () => new TypeError('AssertionError'),
  linkageError: () => new Unrecoverable('LinkageError'),
  unrecoverableError: () => new RangeError('Maximum call stack size exceeded'),
  notWrapped: () => new NotWrapped('NW'),
  badRequest: () => new BadRequestError('bad'),
  'cache:first(fail)': () => new Error('IllegalStateException'),
  'cache:first(bad)': () => new BadRequestError('bad'),
}

describe.each(['1.5.18', '1.5.12'])('paths, %s', version => {
  const { rows } = JSON.parse(file(`hystrix-paths-${version}.json`).toString())
  /** A command is a function here and may be called again. */
  const onlyInJava = ['sameInstanceTwice']
  /** 1.5.12 asks for a fallback although the error is not to be wrapped, and throws the error all the same or not; 1.5.18 mended it. */
  const mendedLater = version === '1.5.12' ? ['notWrapped'] : []
  const skipped = rows.filter((row: any) => [...onlyInJava, ...mendedLater].includes(row.path))

  test('the list of differences does not grow', () => {
    expect(rows).toHaveLength(64)
    expect(skipped).toHaveLength(version === '1.5.12' ? 5 : 1)
  })

  test.each(rows.filter((row: any) => !skipped.includes(row)) as any[])('$isolation $path, fallback $fallback', async (row: any) => {
    const clock = virtualClock()
    const request = {}
    const busy = row.path === 'threadPoolRejected' || row.path === 'semaphoreRejected'
    let rehearse = true // what comes before the call that is looked at: calls that hold the places
    const fallbacks: Record<string, () => unknown> = {
      ok: () => 'fb',
      disabled: () => 'fb',
      throws: () => {
        throw new Error('IllegalArgumentException')
      },
      fallbackSemaphoreFull: () => (rehearse ? new Promise(() => {}) : 'fb'),
    }
    const run = command(
      'pt',
      async () => {
        if (rehearse && !busy) throw new Error('rehearsal')
        if (rehearse || row.path === 'timeout') return new Promise(() => {})
        const error = thrown[row.path]?.()
        if (error !== undefined) throw error
        return 'v'
      },
      {
        clock,
        ...(row.fallback === 'none' ? {} : { getFallback: fallbacks[row.fallback] as () => string }),
        isNotWrapped: e => e instanceof NotWrapped,
        isUnrecoverable: e => e instanceof Unrecoverable || e instanceof RangeError,
        execution: {
          isolation: { strategy: row.isolation, thread: { timeoutInMilliseconds: 60 }, semaphore: { maxConcurrentRequests: 2 } },
        },
        threadPool: { coreSize: 2 },
        fallback: { enabled: row.fallback !== 'disabled', isolation: { semaphore: { maxConcurrentRequests: 1 } } },
        getCacheKey: () => (row.path.startsWith('cache') ? 'key' : undefined),
        requestContext: () => request,
      },
    )
    if (row.fallback === 'fallbackSemaphoreFull')
      void run
        .with({ priority: 1 })()
        .catch(() => {})
    await settle()
    if (busy) for (let i = 0; i < 2; i++) void run().catch(() => {})
    if (row.fallback === 'fallbackSemaphoreFull' && busy) {
      // the places are held, so a third call holds the fallback
      void run().catch(() => {})
    }
    await settle()
    rehearse = false
    if (row.path === 'shortCircuited') run.update({ circuitBreaker: { forceOpen: true } })
    const notified: string[] = []
    let executionEvents: readonly string[] = []
    for (const type of Object.keys(run.metrics.rollingCounts)) run.on(type as CommandEventType, () => notified.push(type))
    run.on('execution', ({ events }) => (executionEvents = events))
    const outcome = run().then(
      value => ({ value }),
      (error: any) => ({ error }),
    )
    await clock.advanceAsync(row.path === 'timeout' ? 60 : 0)
    const { value, error } = (await outcome) as any
    expect({ executionEvents, notified }).toEqual({ executionEvents: row.executionEvents, notified: row.notified })
    const happened = (...types: string[]) => types.some(type => executionEvents.includes(type))
    const { executedInThread: _, ...flags } = row.flags
    expect({
      failedExecution: happened('FAILURE'),
      successfulExecution: happened('SUCCESS'),
      responseFromFallback: happened('FALLBACK_SUCCESS'),
      timedOut: happened('TIMEOUT'),
      shortCircuited: happened('SHORT_CIRCUITED'),
      rejected: happened('THREAD_POOL_REJECTED', 'SEMAPHORE_REJECTED'),
      threadPoolRejected: happened('THREAD_POOL_REJECTED'),
      semaphoreRejected: happened('SEMAPHORE_REJECTED'),
      fromCache: happened('RESPONSE_FROM_CACHE'),
    }).toEqual(flags)
    expect(value).toBe(row.outcome.value)
    if (row.outcome.error === 'HystrixRuntimeException') {
      expect(error).toBeInstanceOf(CommandError)
      expect([error.message, error.failureType]).toEqual([row.outcome.message.replace(/^pt\d+/, 'pt'), row.outcome.failureType])
      expect(error.fallbackError !== undefined).toBe(row.fallback === 'throws' && row.outcome.fallbackException !== null)
      expect(error.cause).toBeInstanceOf(Error) // Hystrix forgets it when the fallback was refused; ours keeps what went wrong first (JS31)
    } else if (row.outcome.error !== undefined) expect(error).toBeInstanceOf(row.outcome.error === 'NW' ? NotWrapped : BadRequestError)
  })
})
