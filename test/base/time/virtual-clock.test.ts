import fc from 'fast-check'
import { expect, test } from 'vitest'
import { virtualClock } from '../../../src/base/time/virtual-clock.ts'

test('timers fire in due order, ties in creation order, each at its own time; cancelled ones never', () => {
  const timer = fc.record({ delay: fc.integer({ min: -5, max: 100 }), cancelled: fc.boolean() })
  fc.assert(
    fc.property(fc.array(timer, { maxLength: 30 }), fc.nat(120), (timers, end) => {
      const clock = virtualClock(1000)
      const fired: [number, number][] = []
      timers.forEach(({ delay, cancelled }, i) => {
        const handle = clock.schedule(delay, () => fired.push([i, clock.now() - 1000]))
        if (cancelled) handle.cancel()
      })
      clock.advance(end)
      const expected = timers
        .map(({ delay, cancelled }, i) => ({ i, due: Math.max(0, delay), cancelled }))
        .filter(t => !t.cancelled && t.due <= end)
        .sort((a, b) => a.due - b.due || a.i - b.i)
      expect(fired).toEqual(expected.map(t => [t.i, t.due]))
      expect(clock.now()).toBe(1000 + end)
    }),
  )
})

test('the wall clock moves alone', () => {
  const clock = virtualClock(10)
  clock.setWall(5000)
  clock.advance(5)
  expect([clock.now(), clock.wall()]).toEqual([15, 5005])
})
