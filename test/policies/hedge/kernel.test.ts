/** Which try decides, against a model over whole histories; and the delay that follows latencies. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { QuantileDelay, Race } from '../../../src/policies/hedge/kernel.ts'
import { DEEP_TIMEOUT, runs } from '../../deep.ts'

test(
  'in any order of starts and ends the first good answer wins, and the call is lost only when all that started have failed',
  () => {
    const step = fc.oneof(fc.constant('start' as const), fc.constant('good' as const), fc.constant('bad' as const))
    fc.assert(
      fc.property(fc.array(step, { minLength: 6, maxLength: 20 }), steps => {
        const race = new Race()
        race.start()
        let [started, bad, decided] = [1, 0, false]
        let ended = 0
        for (const s of steps) {
          if (s === 'start') {
            if (race.over) continue
            race.start()
            started++
          } else if (started > ended) {
            ended++
            if (s === 'bad') bad++
            const verdict = race.ended(s === 'good')
            if (decided) expect(verdict).toBe('late')
            else if (s === 'good') expect(verdict).toBe('won')
            else expect(verdict).toBe(bad === started ? 'lost' : 'wait')
            decided ||= s === 'good' || bad === started
          }
          expect([race.over, race.running]).toEqual([decided, started - ended])
        }
      }),
      { numRuns: runs(6) },
    )
  },
  DEEP_TIMEOUT,
)

describe('delay by quantile', () => {
  const settings = { quantile: 0.9, initial: undefined, minimumNumberOfCalls: 10, window: 1000, min: 1, max: 10_000 }

  test('nothing is hedged until enough calls were timed', () => {
    const delay = new QuantileDelay(settings, 0)
    for (let i = 0; i < 9; i++) delay.record(100, 0)
    expect(delay.delay(0)).toBeUndefined()
    expect(new QuantileDelay({ ...settings, initial: 70 }, 0).delay(0)).toBe(70)
    delay.record(100, 0)
    expect(delay.delay(0)).toBeCloseTo(100, -1)
  })

  test('it is the quantile of one to two windows, within its bounds', () => {
    const delay = new QuantileDelay(settings, 0)
    for (let ms = 1; ms <= 100; ms++) delay.record(ms, 0)
    expect(Math.abs(delay.delay(999)! - 90)).toBeLessThan(2)
    expect(Math.abs(delay.delay(1500)! - 90)).toBeLessThan(2)
    expect(delay.delay(2000)).toBeUndefined()
    for (let i = 0; i < 20; i++) delay.record(0.01, 2000)
    expect(delay.delay(2000)).toBe(1)
  })

  test('new latencies count soon', () => {
    const delay = new QuantileDelay(settings, 0)
    for (let i = 0; i < 10; i++) delay.record(10, 0)
    expect(Math.abs(delay.delay(0)! - 10)).toBeLessThan(1)
    for (let i = 0; i < 100; i++) delay.record(500, 0)
    expect(Math.abs(delay.delay(0)! - 500)).toBeLessThan(11)
  })

  test('a long silence forgets both windows', () => {
    const delay = new QuantileDelay(settings, 0)
    for (let i = 0; i < 10; i++) delay.record(10, 0)
    expect(delay.delay(50_000)).toBeUndefined()
  })
})
