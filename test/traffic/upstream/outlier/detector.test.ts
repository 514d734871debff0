import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { OutlierDetection } from '../../../../src/envoy/index.ts'
import { OutlierDetector } from '../../../../src/traffic/upstream/outlier/detector.ts'
import { outlierSettings } from '../../../../src/traffic/upstream/outlier/settings.ts'

const make = (config: OutlierDetection, hosts: readonly string[], random = () => 0) => {
  const log: string[] = []
  const detector = new OutlierDetector<string>(
    outlierSettings({ interval: '1s', baseEjectionTime: '2s', maxEjectionPercent: 100, ...config }),
    0,
    random,
    {
      ejected: (host, until, kind) => log.push(`-${host} ${kind} until ${until}`),
      returned: (host, at) => log.push(`+${host} at ${at}`),
    },
  )
  detector.members(hosts, 0)
  const fail = (host: string, n: number, now: number, status = 500) => {
    for (let i = 0; i < n; i++) detector.status(host, status, now)
  }
  return { detector, log, fail }
}

describe('counting', () => {
  test('5xx in a row; a good answer begins anew', () => {
    const { detector, fail } = make({ consecutive5xx: 3 }, ['a'])
    fail('a', 2, 0)
    detector.status('a', 404, 0)
    fail('a', 2, 0)
    expect(detector.isEjected('a')).toBe(false)
    fail('a', 1, 0)
    expect(detector.isEjected('a')).toBe(true)
  })
  test('a gateway failure counts for both; another 5xx breaks its row', () => {
    const { detector, fail, log } = make({ consecutive5xx: 9, consecutiveGatewayFailure: 3, enforcingConsecutiveGatewayFailure: 100 }, [
      'a',
    ])
    fail('a', 2, 0, 503)
    fail('a', 1, 0, 500)
    fail('a', 2, 0, 502)
    expect(detector.isEjected('a')).toBe(false)
    fail('a', 1, 0, 504)
    expect(log).toEqual(['-a consecutive_gateway_failure until 2000'])
  })
  test('both may be detected by one answer; the second finds it gone', () => {
    const { detector, fail } = make({ consecutive5xx: 2, consecutiveGatewayFailure: 2, enforcingConsecutiveGatewayFailure: 100 }, ['a'])
    fail('a', 2, 0, 503)
    expect(detector.stats).toEqual({
      'outlier_detection.ejections_detected_consecutive_gateway_failure': 1,
      'outlier_detection.ejections_enforced_total': 1,
      'outlier_detection.ejections_enforced_consecutive_gateway_failure': 1,
    })
  })
  test('a threshold of 0 never fires; detected and not enforced counts and begins anew', () => {
    const zero = make({ consecutive5xx: 0 }, ['a'])
    zero.fail('a', 100, 0)
    expect(zero.detector.stats).toEqual({})
    const idle = make({ consecutive5xx: 2, enforcingConsecutive5xx: 0 }, ['a'])
    idle.fail('a', 7, 0)
    expect(idle.detector.stats).toEqual({ 'outlier_detection.ejections_detected_consecutive_5xx': 3 })
  })
  test('enforced by chance', () => {
    const rolls = [0.3, 0.29]
    const { detector, fail } = make({ consecutive5xx: 1, enforcingConsecutive5xx: 30 }, ['a'], () => rolls.shift()!)
    fail('a', 1, 0)
    expect(detector.isEjected('a')).toBe(false)
    fail('a', 1, 0)
    expect(detector.isEjected('a')).toBe(true)
  })
  test('without split a failed connection and a time-out are a 503 and a 504', () => {
    const { detector, log } = make({ consecutiveGatewayFailure: 3, enforcingConsecutiveGatewayFailure: 100 }, ['a'])
    for (const result of ['connect-failure', 'connected', 'timeout', 'reset'] as const) detector.local('a', result, 0)
    expect(log).toEqual(['-a consecutive_gateway_failure until 2000'])
  })
  test('with split they have their own row, which a connection ends', () => {
    const { detector, log } = make({ splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailure: 2, consecutive5xx: 1 }, ['a'])
    for (const result of ['timeout', 'connected', 'connect-failure'] as const) detector.local('a', result, 0)
    expect(log).toEqual([])
    detector.local('a', 'timeout', 0)
    expect(log).toEqual(['-a consecutive_local_origin_failure until 2000'])
  })
})

describe('ejecting', () => {
  test('no more than the share allows, which counts the newcomer; beyond it overflow', () => {
    const { detector, fail } = make({ consecutive5xx: 1, maxEjectionPercent: 50 }, ['a', 'b', 'c'])
    fail('a', 1, 0)
    fail('b', 1, 0)
    expect([detector.isEjected('a'), detector.isEjected('b'), detector.stats['outlier_detection.ejections_overflow']]).toEqual([
      true,
      false,
      1,
    ])
  })
  test("Istio's default of 10 % ejects nobody of fewer than ten, unless one always may go", () => {
    const strict = make({ consecutive5xx: 1, maxEjectionPercent: 10 }, ['a', 'b'])
    strict.fail('a', 1, 0)
    expect(strict.detector.isEjected('a')).toBe(false)
    const lenient = make({ consecutive5xx: 1, maxEjectionPercent: 10, alwaysEjectOneHost: true }, ['a', 'b'])
    lenient.fail('a', 1, 0)
    lenient.fail('b', 1, 0)
    expect([lenient.detector.isEjected('a'), lenient.detector.isEjected('b')]).toEqual([true, false])
  })
  test('longer each time, never longer than the most, shorter again while all is well', () => {
    const { detector, fail, log } = make({ consecutive5xx: 1, maxEjectionTime: '5s' }, ['a'])
    for (let round = 0; round < 4; round++) {
      fail('a', 1, detector.nextSweep - 1000)
      while (detector.isEjected('a')) detector.advance(detector.nextSweep)
    }
    expect(log.map(l => l.split(' ').at(-1))).toEqual(['2000', '2000', '6000', '6000', '11000', '11000', '16000', '16000'])
    detector.advance(18_000) // two sweeps in health: from 4 to 2 base times
    fail('a', 1, 18_000)
    expect(log.at(-1)).toBe('-a consecutive_5xx until 23000') // 3 * 2 s, cut to 5 s
    detector.advance(100_000)
    fail('a', 1, 100_000)
    expect(log.at(-1)).toBe('-a consecutive_5xx until 102000')
  })
  test('jitter keeps it out for longer', () => {
    const { detector, fail } = make({ consecutive5xx: 1, maxEjectionTimeJitter: '0.5s' }, ['a'], () => 0.999)
    fail('a', 1, 0)
    expect(detector.ejectedUntil('a')).toBe(2500)
    detector.advance(2999)
    expect(detector.isEjected('a')).toBe(true)
    detector.advance(3000)
    expect(detector.isEjected('a')).toBe(false)
  })
  test('counts begin anew with the return', () => {
    const { detector, fail } = make({ consecutive5xx: 3 }, ['a'])
    fail('a', 5, 0)
    detector.advance(2000)
    fail('a', 2, 2000)
    expect(detector.isEjected('a')).toBe(false)
    fail('a', 1, 2000)
    expect(detector.isEjected('a')).toBe(true)
  })
})

describe('rates', () => {
  const rates = (config: OutlierDetection) =>
    make({ consecutive5xx: 0, successRateRequestVolume: 10, failurePercentageRequestVolume: 10, ...config }, ['a', 'b', 'c', 'd', 'e'])
  const traffic = ({ detector, fail }: ReturnType<typeof make>, now: number) => {
    fail('a', 9, now)
    for (const host of 'abcde') for (let i = 0; i < 10; i++) detector.status(host, 200, now)
  }
  test('an outlier is ejected by the sweep, at its time', () => {
    const made = rates({})
    traffic(made, 100)
    expect(made.detector.needsSweep).toBe(true)
    made.detector.advance(1700)
    expect(made.log).toEqual(['-a success_rate until 3000'])
  })
  test('each interval is judged by itself', () => {
    const made = rates({ successRateRequestVolume: 11 })
    for (const host of 'abcde') for (let i = 0; i < 10; i++) made.detector.status(host, host === 'a' ? 500 : 200, 900)
    made.detector.advance(1000)
    for (const host of 'abcde') for (let i = 0; i < 10; i++) made.detector.status(host, host === 'a' ? 500 : 200, 1100)
    made.detector.advance(2000)
    expect(made.log).toEqual([])
  })
  test('both ways in one sweep eject once', () => {
    const made = rates({ enforcingFailurePercentage: 100, failurePercentageThreshold: 40 })
    traffic(made, 100)
    made.detector.advance(1000)
    expect(made.log).toEqual(['-a success_rate until 3000'])
    expect(made.detector.ejectionsActive).toBe(1)
    expect(made.detector.stats['outlier_detection.ejections_detected_failure_percentage']).toBe(1)
  })
  test('with Istio it is only detected, and needs no timer', () => {
    const made = rates({ enforcingSuccessRate: 0 })
    traffic(made, 100)
    expect(made.detector.needsSweep).toBe(false)
    made.detector.advance(1000)
    expect(made.log).toEqual([])
    expect(made.detector.stats).toEqual({ 'outlier_detection.ejections_detected_success_rate': 1 })
  })
  test('of local origin, with split', () => {
    const made = rates({ splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailure: 100 })
    for (const host of 'abcde') for (let i = 0; i < 10; i++) made.detector.local(host, host === 'a' ? 'timeout' : 'connected', 100)
    made.detector.advance(1000)
    expect(made.log).toEqual(['-a local_origin_success_rate until 3000'])
  })
})

describe('who comes and goes', () => {
  test('an ejected host that comes back within the grace is still out, and its time has gone on', () => {
    const { detector, fail, log } = make({ consecutive5xx: 1, baseEjectionTime: '20s' }, ['a', 'b'])
    fail('a', 1, 0)
    detector.members(['b'], 1000)
    expect(detector.ejectionsActive).toBe(0)
    detector.members(['a', 'b'], 5000)
    expect(detector.isEjected('a')).toBe(true)
    detector.advance(20_000)
    expect(log.at(-1)).toBe('+a at 20000')
  })
  test('after the grace it is new', () => {
    const { detector, fail } = make({ consecutive5xx: 1, baseEjectionTime: '900s', maxEjectionTime: '900s' }, ['a', 'b'])
    fail('a', 1, 0)
    detector.members(['b'], 0)
    detector.members(['a', 'b'], 300_000)
    expect(detector.isEjected('a')).toBe(false)
  })
  test('its return does not break the cap', () => {
    const { detector, fail, log } = make({ consecutive5xx: 1, maxEjectionPercent: 50 }, ['a', 'b'])
    fail('a', 1, 0)
    detector.members(['b', 'c'], 0)
    fail('b', 1, 0)
    detector.members(['a', 'b', 'c'], 0)
    expect([detector.isEjected('a'), detector.isEjected('b')]).toEqual([false, true])
    expect(log.at(-1)).toBe('+a at 0')
  })
})

test('new settings keep what was counted; a lowered threshold fires at the next failure', () => {
  const { detector, fail } = make({ consecutive5xx: 10 }, ['a'])
  fail('a', 7, 0)
  detector.update(outlierSettings({ consecutive5xx: 3, maxEjectionPercent: 100 }), 0)
  expect(detector.isEjected('a')).toBe(false)
  fail('a', 1, 0)
  expect(detector.isEjected('a')).toBe(true)
})

// ── a naive model: every sweep run one by one, as the text of Envoy says ──────────────────────────────────────────────────────────────

class Naive {
  readonly hosts: { c5xx: number; gw: number; m: number; out: boolean; since: number; back: number | undefined }[]
  at = 1000
  readonly c: { five: number; gateway: number; base: number; most: number; percent: number }
  constructor(n: number, c: Naive['c']) {
    this.hosts = Array.from({ length: n }, () => ({ c5xx: 0, gw: 0, m: 0, out: false, since: 0, back: undefined }))
    this.c = c
  }
  get active() {
    return this.hosts.filter(h => h.out).length
  }
  advance(now: number) {
    for (; this.at <= now; this.at += 1000) {
      for (const h of this.hosts)
        if (h.out && Math.min(this.c.base * h.m, this.c.most) <= this.at - h.since)
          Object.assign(h, { out: false, c5xx: 0, gw: 0, back: this.at })
      for (const h of this.hosts) if (!h.out && h.back !== undefined && this.at - h.back >= 1000 && h.m > 0) h.m--
    }
  }
  status(i: number, status: number, now: number) {
    const h = this.hosts[i]!
    if (status < 500) {
      h.c5xx = h.gw = 0
      return
    }
    const fire = () => {
      if (h.out) return false
      if ((100 * (this.active + 1)) / this.hosts.length <= this.c.percent) {
        h.out = true
        h.since = now
        if (h.m * this.c.base < this.c.most + this.c.base) h.m++
      }
      return true
    }
    if (status === 500) h.gw = 0
    else if (++h.gw === this.c.gateway && fire()) h.gw = 0
    if (++h.c5xx === this.c.five && fire()) h.c5xx = 0
  }
}

test('does what the naive model does, however long nobody looks, and never exceeds the cap', () =>
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.record({
        five: fc.integer({ min: 1, max: 4 }),
        gateway: fc.integer({ min: 0, max: 4 }),
        base: fc.constantFrom(500, 1000, 2000, 2500, 7000),
        most: fc.constantFrom(7000, 10_000, 60_000),
        percent: fc.integer({ min: 1, max: 100 }),
      }),
      fc.array(fc.tuple(fc.nat(7), fc.constantFrom(200, 500, 503), fc.oneof(fc.constant(0), fc.nat(900), fc.nat(30_000))), {
        maxLength: 150,
      }),
      (n, c, commands) => {
        const hosts = Array.from({ length: n }, (_, i) => String(i))
        const { detector } = make(
          {
            consecutive5xx: c.five,
            consecutiveGatewayFailure: c.gateway,
            enforcingConsecutiveGatewayFailure: 100,
            baseEjectionTime: `${c.base}ms`,
            maxEjectionTime: `${c.most}ms`,
            maxEjectionPercent: c.percent,
          },
          hosts,
        )
        const naive = new Naive(n, c)
        let now = 0
        for (const [i, status, wait] of commands) {
          now += wait
          detector.advance(now)
          naive.advance(now)
          detector.status(String(i % n), status, now)
          naive.status(i % n, status, now)
          expect(hosts.map(h => detector.isEjected(h))).toEqual(naive.hosts.map(h => h.out))
          expect(detector.ejectionsActive).toBe(naive.active)
          expect((100 * detector.ejectionsActive) / n).toBeLessThanOrEqual(c.percent)
        }
      },
    ),
    { numRuns: 300 },
  ))
