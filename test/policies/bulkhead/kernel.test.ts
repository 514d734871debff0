/** The kernel against a model that is written for clarity: a list that is sorted whenever somebody asks who is first. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Limits, Slots } from '../../../src/policies/bulkhead/kernel.ts'
import type { QueueOrder, Waiting } from '../../../src/policies/bulkhead/line.ts'
import { DEEP_TIMEOUT, OPERATIONS, runs } from '../../deep.ts'

interface Waiter extends Waiting {
  readonly id: number
}

class Model {
  limits: Limits
  running: number[] = []
  line: { id: number; weight: number; priority: number }[] = []

  constructor(limits: Limits) {
    this.limits = limits
  }
  get inUse(): number {
    return this.running.reduce((a, b) => a + b, 0)
  }
  sorted() {
    const { order } = this.limits
    return [...this.line].sort((a, b) =>
      order === 'lifo' ? b.id - a.id : (order === 'priority' ? a.priority - b.priority : 0) || a.id - b.id,
    )
  }
  enter(weight: number, priority: number): boolean {
    const first = this.sorted()[0]
    const leads = first === undefined || this.limits.order === 'lifo' || (this.limits.order === 'priority' && priority < first.priority)
    if (!leads || this.inUse + weight > this.limits.max) return false
    this.running.push(weight)
    return true
  }
  queue(waiter: { id: number; weight: number; priority: number }): boolean {
    if (this.line.length >= this.limits.capacity || waiter.weight > this.limits.max) return false
    this.line.push(waiter)
    return true
  }
  next(): number | undefined {
    const first = this.sorted()[0]
    if (first === undefined || this.inUse + first.weight > this.limits.max) return undefined
    this.line = this.line.filter(w => w !== first)
    this.running.push(first.weight)
    return first.id
  }
}

const orders: QueueOrder[] = ['fifo', 'lifo', 'priority']
const limits = fc.record({ max: fc.nat(6), capacity: fc.constantFrom(0, 1, 3, 20, Infinity), order: fc.constantFrom(...orders) })
const who = { weight: fc.constantFrom(1, 1, 1, 2, 3), priority: fc.integer({ min: -2, max: 2 }) }
const op = fc.oneof(
  { weight: 8, arbitrary: fc.record({ op: fc.constant('come' as const), ...who }) },
  { weight: 6, arbitrary: fc.record({ op: fc.constant('leave' as const), pick: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('giveUp' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('change' as const), limits }) },
)

test(
  'any sequence of coming, leaving, giving up and changes agrees with the model',
  () => {
    let operations = 0
    fc.assert(
      fc.property(limits, fc.array(op, { minLength: 80, maxLength: 160 }), (start, ops) => {
        const slots = new Slots<Waiter>(start)
        const model = new Model(start)
        const waiters = new Map<number, Waiter>()
        const follow = () => {
          for (;;) {
            const next = slots.next()
            expect(next?.id).toBe(model.next())
            if (next === undefined) return
            waiters.delete(next.id)
          }
        }
        ops.forEach((o, id) => {
          operations++
          if (o.op === 'come') {
            const entered = slots.enter(o.weight, o.priority)
            expect(entered).toBe(model.enter(o.weight, o.priority))
            if (!entered) {
              const waiter = { id, weight: o.weight, priority: o.priority, arrival: 0, place: -1 }
              const queued = slots.queue(waiter)
              expect(queued).toBe(model.queue(waiter))
              if (queued) waiters.set(id, waiter)
            }
          } else if (o.op === 'leave' && model.running.length > 0) {
            const [weight] = model.running.splice(o.pick % model.running.length, 1)
            slots.leave(weight!)
            follow()
          } else if (o.op === 'giveUp' && waiters.size > 0) {
            const waiter = [...waiters.values()][o.pick % waiters.size]!
            waiters.delete(waiter.id)
            model.line = model.line.filter(w => w.id !== waiter.id)
            expect([slots.giveUp(waiter), slots.giveUp(waiter)]).toEqual([true, false])
            follow()
          } else if (o.op === 'change') {
            model.limits = o.limits
            const misfits = model.line.filter(w => w.weight > o.limits.max).map(w => w.id)
            model.line = model.line.filter(w => !misfits.includes(w.id))
            expect(
              slots
                .change(o.limits)
                .map(w => w.id)
                .sort((a, b) => a - b),
            ).toEqual(misfits)
            for (const misfit of misfits) waiters.delete(misfit)
            follow()
          }
          expect([slots.inUse, slots.available, slots.waiting, slots.first?.id]).toEqual([
            model.inUse,
            model.limits.max - model.inUse,
            model.line.length,
            model.sorted()[0]?.id,
          ])
        })
      }),
      { numRuns: runs(80) },
    )
    expect(operations).toBeGreaterThan(OPERATIONS)
  },
  DEEP_TIMEOUT,
)

test('a weight that is none is refused', () => {
  const slots = new Slots<Waiter>({ max: 5, capacity: 0, order: 'fifo' })
  for (const weight of [0, -1, Number.NaN, Infinity]) expect(() => slots.enter(weight, 0), String(weight)).toThrow(RangeError)
  expect(slots.inUse).toBe(0)
})
