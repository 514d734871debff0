/**
 * Resilience4j's TimeLimiterImpl: outcome, time and events of every row. Differences on purpose: its timer stays armed when a stage fails
 * (A row says `limiterTimerPendingAfterCompletion`; bug B9), ours never does; a stage wraps errors in a CompletionException, we do not.
 * Left out: rows about Java's interrupts and cancelled futures, for which a caller's abort is the counterpart, and it publishes nothing.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { virtualClock } from '../../../src/base/time/virtual-clock.ts'
import { TimeLimitError } from '../../../src/core/errors.ts'
import { timeLimiter } from '../../../src/policies/time-limiter/index.ts'

const recorded = JSON.parse(readFileSync(new URL('./timelimiter.json', import.meta.url), 'utf8'))

function watched(timeoutDuration: number, cancelRunningFuture: boolean) {
  const clock = virtualClock()
  const limit = timeLimiter({ timeoutDuration, cancelRunningFuture }, { clock })
  const events: string[] = []
  limit.on('success', () => events.push(`${clock.now()}:SUCCESS`))
  limit.on('error', e => events.push(`${clock.now()}:ERROR:${(e.error as Error).message}`))
  limit.on('timeout', () => events.push(`${clock.now()}:TIMEOUT`))
  return { clock, limit, events }
}

test('the defaults', () =>
  expect(timeLimiter().describe().options).toMatchObject({
    timeoutDuration: recorded.defaults.timeoutMs,
    cancelRunningFuture: recorded.defaults.cancelRunningFuture,
  }))

describe('stages', () => {
  test('has rows', () => expect(recorded.completionStage.length).toBe(50))

  test.each<any>(recorded.completionStage)('$completes at $atMs, cancel $cancelRunningFuture', async row => {
    const { clock, limit, events } = watched(row.timeoutMs, row.cancelRunningFuture)
    const wanted = row.settled[0]
    let settled: any
    let signal!: AbortSignal
    limit
      .execute(
        call =>
          new Promise((resolve, reject) => {
            signal = call.signal
            if (row.atMs === null) return
            const name = row.completes === 'cancel' ? 'CancellationException' : row.completes.replace('wrap:', '')
            // At equal times the peer's limiter comes first: so does ours, whose timer was made first.
            clock.schedule(row.atMs, () => (row.completes === 'value' ? resolve('ok') : reject(new Error(name))))
          }),
      )
      .then(
        value => (settled = { at: clock.now(), outcome: { value } }),
        error => (settled = { at: clock.now(), outcome: { error: error instanceof TimeLimitError ? 'TimeoutException' : error.message } }),
      )
    await clock.advanceAsync(10_000)
    expect(settled).toEqual({
      at: wanted.at,
      outcome: wanted.outcome.error === undefined ? wanted.outcome : { error: wanted.outcome.cause },
    })
    expect(events).toEqual(row.events)
    expect(clock.pending).toBe(0)
    expect(signal.aborted).toBe(row.cancelRunningFuture && row.events[0].endsWith('TIMEOUT'))
  })
})

describe('futures', () => {
  const rows = recorded.future.filter((row: any) => !['interrupted', 'cancelled'].includes(row.future))
  test('has rows', () => expect(rows.length).toBe(15))

  test.each<any>(rows)('$future, cancel $cancelRunningFuture', async row => {
    const { clock, limit, events } = watched(row.timeoutMs, row.cancelRunningFuture)
    const own = new TimeLimitError('own')
    const work = (call: { signal: AbortSignal }): unknown => {
      call.signal.onabort = () => events.push('cancel')
      if (row.future === 'value') return 'ok'
      if (row.future === 'timeout') return new Promise(() => {})
      if (row.future.includes('own')) return Promise.reject(own)
      return Promise.reject(new Error(row.outcome.error))
    }
    const done = limit.execute(work).catch(error => error)
    await clock.advanceAsync(10_000)
    const result: any = await done
    if (row.outcome.value !== undefined) expect(result).toBe(row.outcome.value)
    else if (row.future.includes('own')) expect(result).toBe(own)
    else if (row.future === 'timeout') expect(result).toBeInstanceOf(TimeLimitError)
    else expect(result.message).toBe(row.outcome.error)
    const told = events.map(event => event.replace(/^\d+:/, ''))
    // A supplier that throws never made a future, so the peer has nothing to tell; a call that throws is a failed call to us.
    const wanted = row.future.startsWith('supplier throws') ? [`ERROR:${row.outcome.error}`] : row.events
    expect(told.filter(event => event !== 'cancel')).toEqual(wanted)
    expect(told.includes('cancel')).toBe(row.futureCalls?.includes('cancel(true)') ?? false)
  })
})
