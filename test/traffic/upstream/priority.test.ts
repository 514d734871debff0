import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { choosePriority, priorityLoads } from '../../../src/traffic/upstream/priority.ts'
import { hostSet, type Said } from './support.ts'

/** `'hhd'`: two healthy hosts and a degraded one; `u` is unhealthy. One word per priority. */
const levels = (...words: string[]) =>
  hostSet(
    words.flatMap((word, priority) =>
      [...word].map((c): Said => ({ priority, configured: c === 'h' ? 'healthy' : c === 'd' ? 'degraded' : 'unhealthy' })),
    ),
  ).levels

describe('loads, as Envoy documents them', () => {
  test.each([
    [
      ['hhhhhhhhhh', 'hh'],
      [100, 0],
    ],
    [
      ['hhhhhhhuuu', 'hh'],
      [98, 2],
    ], // 70 % * 1.4 = 98
    [
      ['huuuuuuuuu', 'hh'],
      [14, 86],
    ],
    [
      ['uuuu', 'hh'],
      [0, 100],
    ],
    [
      ['hu', 'hu'],
      [70, 30],
    ],
    [
      ['huuu', 'huuu', 'huuu'],
      [35, 35, 30],
    ],
    [
      ['huuuuuuuuu', 'huuuuuuuuu'],
      [50, 50],
    ], // 14 + 14 = 28, scaled up
  ])('%j', (words, healthy) => {
    const loads = priorityLoads(levels(...words), 0)
    expect(loads.healthy).toEqual(healthy)
    expect(loads.panic.some(Boolean)).toBe(false)
  })

  test('degraded hosts take what healthy ones cannot, nearest priority first', () => {
    const loads = priorityLoads(levels('huuuuddddd', 'hu'), 0)
    expect(loads).toMatchObject({ healthy: [14, 70], degraded: [16, 0] })
  })

  test('rounding goes to the first healthy priority', () => {
    const { healthy } = priorityLoads(levels('huuuuuuuuuuuu', 'huuuuuuuuuuuu', 'huuuuuuuuuuuu'), 0) // 10 each of 30
    expect(healthy).toEqual([34, 33, 33])
  })
})

describe('panic', () => {
  test('not while the priorities together can bear it', () => {
    expect(priorityLoads(levels('huuuuuuuuu', 'hhhhhhhhhh'), 50).panic).toEqual([false, false])
  })
  test('of one priority, when they cannot', () => {
    const loads = priorityLoads(levels('huuuuuuuuu', 'hhuu'), 50) // 14 + 70 = 84
    expect(loads).toMatchObject({ panic: [true, false], healthy: [17, 83] })
  })
  test('of all: shares follow the number of hosts, even if some are healthy', () => {
    const loads = priorityLoads(levels('huuuuuuuuu', 'huuuuu'), 50)
    expect(loads).toMatchObject({ panic: [true, true], healthy: [63, 37], degraded: [0, 0] })
  })
  test('degraded hosts count as usable', () => {
    expect(priorityLoads(levels('hduuu'), 40).panic).toEqual([false])
    expect(priorityLoads(levels('hduuu'), 41).panic).toEqual([true])
  })
  test('never with a threshold of 0: nobody healthy is nobody', () => {
    expect(priorityLoads(levels('uu', 'u'), 0)).toMatchObject({ panic: [false, false], healthy: [100, 0] })
  })
})

const word = fc.string({ unit: fc.constantFrom('h', 'd', 'u'), maxLength: 12 })

test('loads are always 100 together, none goes where nobody is, and every roll finds its place', () =>
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), fc.integer({ min: 0, max: 100 }), (words, threshold) => {
      const all = levels(...words)
      if (all.length === 0) return
      const loads = priorityLoads(all, threshold)
      expect([...loads.healthy, ...loads.degraded].reduce((a, b) => a + b, 0)).toBe(100)
      const anybody = all.some(l => l.healthy.length + l.degraded.length > 0)
      all.forEach((level, i) => {
        if (loads.panic[i] || !anybody) return
        if (loads.healthy[i]! > 0) expect(level.healthy.length).toBeGreaterThan(0)
        if (loads.degraded[i]! > 0) expect(level.degraded.length).toBeGreaterThan(0)
      })
      const rolls = Array.from({ length: 100 }, (_, roll) => choosePriority(loads, roll))
      all.forEach((_, i) => {
        expect(rolls.filter(at => at === i).length).toBe(loads.healthy[i])
        expect(rolls.filter(at => at === ~i).length).toBe(loads.degraded[i])
      })
    }),
  ))
