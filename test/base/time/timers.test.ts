import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Alarm, Callback, type Timer, type TimerQueue, timerQueue } from '../../../src/base/time/timers.ts'
import { virtualClock } from '../../../src/base/time/virtual-clock.ts'

const add = (queue: TimerQueue, delay: number, run: () => void, keepAlive: boolean, now: number): Timer => {
  const alarm = new Callback(run, keepAlive)
  queue.set(alarm, delay, now)
  return alarm
}

const over = () => {
  const clock = virtualClock()
  const queue = timerQueue(clock.now, {
    arm: (delay, run) => clock.schedule(delay, run) as any,
    disarm: handle => handle.cancel(),
    later: undefined,
  })
  return { clock, queue: { add: (delay: number, run: () => void) => add(queue, delay, run, false, clock.now()) } }
}

test('one runtime timer serves all, in order', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(50), fc.boolean()), { maxLength: 40 }), timers => {
      const { clock, queue } = over()
      const fired: [number, number][] = []
      timers.forEach(([delay, cancelled], i) => {
        const timer = queue.add(delay, () => fired.push([i, clock.now()]))
        if (cancelled) timer.cancel()
        expect(clock.pending).toBeLessThanOrEqual(1)
      })
      clock.advance(100)
      const expected = timers.map(([due, cancelled], i) => ({ i, due, cancelled })).filter(t => !t.cancelled)
      expect(fired).toEqual(expected.sort((a, b) => a.due - b.due || a.i - b.i).map(t => [t.i, t.due]))
      expect(clock.pending).toBe(0)
    }),
  )
})

test('a delay longer than the runtime holds is armed again', () => {
  const { clock, queue } = over()
  let fired = 0
  queue.add(3_000_000_000, () => fired++)
  clock.advance(2_999_999_999)
  expect(fired).toBe(0)
  clock.advance(1)
  expect(fired).toBe(1)
})

test('the process is kept alive while a call waits, and let go a little later', () => {
  const clock = virtualClock()
  const said: string[] = []
  let later: (() => void) | undefined
  const handle = { ref: () => said.push('ref'), unref: () => said.push('unref') }
  const queue = timerQueue(clock.now, { arm: () => handle, disarm: () => {}, later: run => (later = run) })
  const one = add(queue, 10, () => {}, true, 0)
  one.cancel()
  const two = add(queue, 10, () => {}, true, 0)
  later?.()
  expect(said).toEqual([])
  two.cancel()
  later?.()
  expect(said).toEqual(['unref'])
  add(queue, 10, () => {}, true, 0)
  expect(said).toEqual(['unref', 'ref'])
})

test('an alarm takes its place among callbacks, and can be taken off again', () => {
  const clock = virtualClock()
  const queue = timerQueue(clock.now, {
    arm: (delay, run) => clock.schedule(delay, run) as any,
    disarm: handle => handle.cancel(),
    later: undefined,
  })
  const rung: string[] = []
  const alarm = (name: string): Alarm => ({
    ring: undefined,
    previous: undefined,
    next: undefined,
    since: 0,
    order: 0,
    keepsAlive: true,
    due: () => rung.push(`${name} at ${clock.now()}`),
  })
  const [one, two, three] = [alarm('one'), alarm('two'), alarm('three')]
  queue.set(one, 10, clock.now())
  add(queue, 10, () => rung.push('callback'), true, clock.now())
  queue.set(two, 10, clock.now())
  queue.set(three, 10, clock.now())
  one.ring!.remove(one)
  three.ring!.remove(three)
  expect(one.ring).toBeUndefined()
  clock.advance(20)
  expect(rung).toEqual(['callback', 'two at 10'])
  expect([two.ring, clock.pending]).toEqual([undefined, 0])
})
