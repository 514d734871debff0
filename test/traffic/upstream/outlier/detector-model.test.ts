/**
 * The outlier detector beside a naive model of Envoy's: the model sweeps one interval after the other and keeps nothing in
 * closed form. Both draw from the same random numbers.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../../src/base/time/random.ts'
import type { OutlierDetection } from '../../../../src/envoy/index.ts'
import { type LocalResult, OutlierDetector } from '../../../../src/traffic/upstream/outlier/detector.ts'
import { type OutlierSettings, outlierSettings } from '../../../../src/traffic/upstream/outlier/settings.ts'
import { DEEP_TIMEOUT, runs } from '../../../deep.ts'

interface ModelHost {
  consecutive: number
  gateway: number
  local: number
  external: boolean[]
  localOrigin: boolean[]
  multiplier: number
  ejectedAt: number | undefined
  jitter: number
  returnedAt: number | undefined
}

class Model {
  settings: OutlierSettings
  readonly random: () => number
  readonly log: string[] = []
  readonly stats: Record<string, number> = {}
  hosts = new Map<string, ModelHost>()
  readonly gone = new Map<string, { host: ModelHost; at: number }>()
  nextSweep: number

  constructor(settings: OutlierSettings, random: () => number) {
    this.settings = settings
    this.random = random
    this.nextSweep = settings.interval
  }

  get ejected() {
    return [...this.hosts.values()].filter(host => host.ejectedAt !== undefined).length
  }

  count(name: string) {
    this.stats[`outlier_detection.${name}`] = (this.stats[`outlier_detection.${name}`] ?? 0) + 1
  }

  duration(host: ModelHost) {
    return Math.min(this.settings.maxEjectionTime, host.multiplier * this.settings.baseEjectionTime) + host.jitter
  }

  until(name: string) {
    const host = this.hosts.get(name)
    return host?.ejectedAt === undefined ? undefined : host.ejectedAt + this.duration(host)
  }

  mayEject() {
    if (this.settings.alwaysEjectOne && this.ejected === 0) return true
    return ((this.ejected + 1) * 100) / this.hosts.size <= this.settings.maxEjectionPercent
  }

  detect(name: string, kind: string, enforcing: number, now: number) {
    const host = this.hosts.get(name)!
    this.count(`ejections_detected_${kind}`)
    if (host.ejectedAt !== undefined) return
    if (!this.mayEject()) {
      this.count('ejections_overflow')
      return
    }
    if (enforcing !== 100 && Math.floor(this.random() * 100) >= enforcing) return
    this.count('ejections_enforced_total')
    this.count(`ejections_enforced_${kind}`)
    host.ejectedAt = now
    host.jitter = this.settings.maxEjectionTimeJitter === 0 ? 0 : Math.floor(this.random() * (this.settings.maxEjectionTimeJitter + 1))
    if (host.multiplier * this.settings.baseEjectionTime < this.settings.maxEjectionTime + this.settings.baseEjectionTime) host.multiplier++
    this.log.push(`eject ${name} ${kind} ${now + this.duration(host)}`)
  }

  restore(name: string, at: number) {
    const host = this.hosts.get(name)!
    host.ejectedAt = undefined
    host.consecutive = host.gateway = host.local = 0
    host.returnedAt = at
    this.log.push(`return ${name} ${at}`)
  }

  code(name: string, status: number, now: number) {
    const host = this.hosts.get(name)!
    const { settings } = this
    const success = status < 500 || status >= 600
    host.external.push(success)
    if (success) {
      host.consecutive = host.gateway = 0
      return
    }
    if ([502, 503, 504].includes(status)) {
      host.gateway++
      if (host.gateway === settings.consecutiveGateway && host.ejectedAt === undefined) {
        this.detect(name, 'consecutive_gateway_failure', settings.enforcingGateway, now)
        host.gateway = 0
      }
    } else host.gateway = 0
    host.consecutive++
    if (host.consecutive === settings.consecutive5xx && host.ejectedAt === undefined) {
      this.detect(name, 'consecutive_5xx', settings.enforcing5xx, now)
      host.consecutive = 0
    }
  }

  local(name: string, result: LocalResult, now: number) {
    const host = this.hosts.get(name)!
    if (!this.settings.split) {
      if (result === 'timeout') this.code(name, 504, now)
      if (result === 'reset' || result === 'connect-failure') this.code(name, 503, now)
      return
    }
    host.localOrigin.push(result === 'connected')
    if (result === 'connected') {
      host.local = 0
      return
    }
    host.local++
    if (host.local === this.settings.consecutiveLocal && host.ejectedAt === undefined) {
      this.detect(name, 'consecutive_local_origin_failure', this.settings.enforcingLocal, now)
      host.local = 0
    }
  }

  compare(kind: 'external' | 'localOrigin', at: number) {
    const { successRate, failurePercentage, successRateDeviations, failurePercentageThreshold } = this.settings
    const prefix = kind === 'external' ? '' : 'local_origin_'
    const enforcing = (of: OutlierSettings['successRate']) => (kind === 'external' ? of.enforcing : of.enforcingLocal)
    const judged = [...this.hosts]
      .filter(([, host]) => host.ejectedAt === undefined && host[kind].length > 0)
      .map(([name, host]) => ({ name, total: host[kind].length, rate: (host[kind].filter(Boolean).length * 100) / host[kind].length }))
    const forRate = judged.filter(host => host.total >= successRate.requestVolume)
    const forPercentage = judged.filter(host => host.total >= failurePercentage.requestVolume)
    let slow: string[] = []
    if (forRate.length >= successRate.minimumHosts && forRate.length > 0) {
      const mean = forRate.map(host => host.rate).reduce((a, b) => a + b, 0) / forRate.length
      const variance = forRate.map(host => (host.rate - mean) ** 2).reduce((a, b) => a + b, 0) / forRate.length
      slow = forRate.filter(host => host.rate < mean - successRateDeviations * Math.sqrt(variance)).map(host => host.name)
    }
    const failing =
      forPercentage.length >= failurePercentage.minimumHosts
        ? forPercentage.filter(host => 100 - host.rate >= failurePercentageThreshold).map(host => host.name)
        : []
    for (const name of slow) this.detect(name, `${prefix}success_rate`, enforcing(successRate), at)
    for (const name of failing) this.detect(name, `${prefix}failure_percentage`, enforcing(failurePercentage), at)
  }

  sweep() {
    const at = this.nextSweep
    this.nextSweep += this.settings.interval
    for (const name of this.hosts.keys()) if ((this.until(name) ?? Infinity) <= at) this.restore(name, at)
    this.compare('external', at)
    this.compare('localOrigin', at)
    for (const host of this.hosts.values()) {
      host.external = []
      host.localOrigin = []
      const healthyFor = host.returnedAt === undefined ? -1 : at - host.returnedAt
      if (host.ejectedAt === undefined && host.multiplier > 0 && healthyFor >= this.settings.interval) host.multiplier--
    }
  }

  advance(now: number) {
    while (this.nextSweep <= now) this.sweep()
  }

  members(names: readonly string[], now: number) {
    for (const [name, host] of [...this.hosts]) {
      if (names.includes(name)) continue
      this.hosts.delete(name)
      host.external = []
      host.localOrigin = []
      this.gone.set(name, { host, at: now })
    }
    for (const [name, { at }] of [...this.gone]) if (now >= at + 300_000) this.gone.delete(name)
    const back: string[] = []
    const out: ModelHost[] = []
    for (const name of names) {
      if (this.hosts.has(name)) continue
      const host = this.gone.get(name)?.host ?? {
        consecutive: 0,
        gateway: 0,
        local: 0,
        external: [],
        localOrigin: [],
        multiplier: 0,
        ejectedAt: undefined,
        jitter: 0,
        returnedAt: undefined,
      }
      this.gone.delete(name)
      this.hosts.set(name, host)
      if (host.ejectedAt !== undefined) {
        back.push(name)
        out.push(host)
      }
    }
    // Hosts that come back ejected are counted one by one: the cap decides which stay ejected.
    const since = out.map(host => host.ejectedAt)
    for (const host of out) host.ejectedAt = undefined
    for (const [i, name] of back.entries()) {
      const allowed = this.mayEject()
      this.hosts.get(name)!.ejectedAt = since[i]
      if (!allowed) this.restore(name, now)
    }
  }

  uneject(name: string, now: number) {
    if (this.until(name) !== undefined) this.restore(name, now)
  }

  update(settings: OutlierSettings, now: number) {
    if (settings.interval !== this.settings.interval) this.nextSweep = now + settings.interval
    this.settings = settings
    for (const host of this.hosts.values()) {
      if (host.ejectedAt !== undefined) continue
      if (host.consecutive >= settings.consecutive5xx) host.consecutive = Math.max(0, settings.consecutive5xx - 1)
      if (host.gateway >= settings.consecutiveGateway) host.gateway = Math.max(0, settings.consecutiveGateway - 1)
      if (host.local >= settings.consecutiveLocal) host.local = Math.max(0, settings.consecutiveLocal - 1)
    }
  }
}

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f']
const enforcing = fc.constantFrom(0, 30, 100)
const detection: fc.Arbitrary<OutlierDetection> = fc.record({
  consecutive5xx: fc.constantFrom(0, 1, 2, 3),
  enforcingConsecutive5xx: enforcing,
  consecutiveGatewayFailure: fc.constantFrom(0, 1, 2, 3),
  enforcingConsecutiveGatewayFailure: enforcing,
  consecutiveLocalOriginFailure: fc.constantFrom(0, 1, 2),
  enforcingConsecutiveLocalOriginFailure: enforcing,
  successRateMinimumHosts: fc.constantFrom(0, 2, 3),
  successRateRequestVolume: fc.constantFrom(0, 1, 3),
  successRateStdevFactor: fc.constantFrom(500, 1900),
  enforcingSuccessRate: enforcing,
  enforcingLocalOriginSuccessRate: enforcing,
  failurePercentageMinimumHosts: fc.constantFrom(0, 1, 3),
  failurePercentageRequestVolume: fc.constantFrom(1, 2),
  failurePercentageThreshold: fc.constantFrom(50, 85, 100),
  enforcingFailurePercentage: enforcing,
  enforcingFailurePercentageLocalOrigin: enforcing,
  splitExternalLocalOriginErrors: fc.boolean(),
  interval: fc.constantFrom('1s', '3s'),
  baseEjectionTime: fc.constantFrom('1s', '2.5s'),
  maxEjectionTime: fc.constantFrom('5s', '300s'),
  maxEjectionTimeJitter: fc.constantFrom('0s', '0.7s'),
  maxEjectionPercent: fc.constantFrom(10, 50, 100),
  alwaysEjectOneHost: fc.boolean(),
})
const host = fc.constantFrom(...NAMES)
const operation = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('status' as const),
      host,
      status: fc.constantFrom(200, 404, 500, 501, 502, 503, 504, 505, 599, 600),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('local' as const),
      host,
      result: fc.constantFrom('connected', 'connect-failure', 'timeout', 'reset' as LocalResult),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('advance' as const),
      ms: fc.constantFrom(1, 400, 1000, 2500, 3000, 7100, 60_000, 299_999, 300_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('members' as const), names: fc.subarray(NAMES, { minLength: 1 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('uneject' as const), host }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('update' as const), to: detection }) },
)

test(
  'ejects, returns and counts as a model that sweeps one interval after the other',
  () => {
    fc.assert(
      fc.property(detection, fc.integer(), fc.array(operation, { minLength: 60, maxLength: 90 }), (config, seed, operations) => {
        const log: string[] = []
        const detector = new OutlierDetector<string>(outlierSettings(config), 0, seededRandom(seed), {
          ejected: (name, until, kind) => log.push(`eject ${name} ${kind} ${until}`),
          returned: (name, at) => log.push(`return ${name} ${at}`),
        })
        const model = new Model(outlierSettings(config), seededRandom(seed))
        detector.members(NAMES, 0)
        model.members(NAMES, 0)
        let now = 0
        for (const operation of operations) {
          if (operation.do === 'advance') now += operation.ms
          // A sweep that is not needed may run later, since it ejects and restores no host; it may still count a detection.
          const before = log.length
          const needed = detector.needsSweep
          detector.advance(now)
          model.advance(now)
          if (!needed) expect(log.length).toBe(before)
          if (operation.do === 'members') {
            detector.members(operation.names, now)
            model.members(operation.names, now)
          } else if (operation.do === 'update') {
            // Local results of the interval in which split is turned off are compared once more; that alone needs no timer.
            const to = outlierSettings({ ...operation.to, splitExternalLocalOriginErrors: config.splitExternalLocalOriginErrors! })
            detector.update(to, now)
            model.update(to, now)
          } else if (operation.do !== 'advance' && model.hosts.has(operation.host)) {
            if (operation.do === 'status') {
              detector.status(operation.host, operation.status, now)
              model.code(operation.host, operation.status, now)
            } else if (operation.do === 'local') {
              detector.local(operation.host, operation.result, now)
              model.local(operation.host, operation.result, now)
            } else {
              detector.uneject(operation.host, now)
              model.uneject(operation.host, now)
            }
          }
          const seen = [log.length, detector.stats, detector.nextSweep, detector.ejectionsActive]
          const wanted = [model.log.length, model.stats, model.nextSweep, model.ejected]
          for (const name of NAMES) {
            seen.push(detector.ejectedUntil(name) ?? -1, detector.isEjected(name) ? 1 : 0)
            wanted.push(model.until(name) ?? -1, model.until(name) === undefined ? 0 : 1)
          }
          // One comparison of texts: 10 000 calls of expect() would take seconds.
          if (JSON.stringify(seen) !== JSON.stringify(wanted)) expect(seen).toEqual(wanted)
        }
        expect(log).toEqual(model.log)
      }),
      { numRuns: runs(60) },
    )
  },
  DEEP_TIMEOUT,
)

describe('needsSweep', () => {
  const make = (config: OutlierDetection, hosts: readonly string[]) => {
    const detector = new OutlierDetector<string>(outlierSettings({ maxEjectionPercent: 100, ...config }), 0, () => 0, {
      ejected() {},
      returned() {},
    })
    detector.members(hosts, 0)
    return detector
  }
  const off = { enforcingSuccessRate: 0, enforcingLocalOriginSuccessRate: 0, successRateMinimumHosts: 2, failurePercentageMinimumHosts: 4 }

  test('is false before anything is reported and after a sweep without ejections', () => {
    const detector = make({ successRateMinimumHosts: 1 }, ['a', 'b'])
    expect(detector.needsSweep).toBe(false)
    detector.status('a', 200, 0)
    expect(detector.needsSweep).toBe(true)
    detector.advance(10_000)
    expect(detector.needsSweep).toBe(false)
  })
  test('is true while a host is ejected', () => {
    const detector = make({ ...off, consecutive5xx: 1 }, ['a', 'b'])
    detector.status('a', 500, 0)
    expect(detector.needsSweep).toBe(true)
    detector.uneject('a', 0)
    expect(detector.needsSweep).toBe(false)
  })
  test.each<[string, OutlierDetection, boolean]>([
    ['no comparison of rates is enforced', off, false],
    ['success rates are', { ...off, enforcingSuccessRate: 1 }, true],
    ['failure percentages are', { ...off, enforcingFailurePercentage: 1 }, true],
    ['only those of local origin are, without split', { ...off, enforcingLocalOriginSuccessRate: 1 }, false],
    [
      'only those of local origin are, with split',
      { ...off, enforcingLocalOriginSuccessRate: 1, splitExternalLocalOriginErrors: true },
      true,
    ],
    ['nothing is, with split', { ...off, splitExternalLocalOriginErrors: true }, false],
    [
      'failure percentages of local origin are, with split',
      { ...off, enforcingFailurePercentageLocalOrigin: 1, splitExternalLocalOriginErrors: true },
      true,
    ],
    ['there are fewer hosts than any comparison takes', { ...off, enforcingSuccessRate: 1, successRateMinimumHosts: 4 }, false],
    ['there are as many hosts as one comparison takes', { ...off, enforcingSuccessRate: 1, successRateMinimumHosts: 3 }, true],
  ])('when %s: %j is %s', (_when, config, expected) => {
    const detector = make(config, ['a', 'b', 'c'])
    detector.status('a', 200, 0)
    expect(detector.needsSweep).toBe(expected)
  })
})

test('ignores reports about hosts that it does not know', () => {
  const detector = new OutlierDetector<string>(outlierSettings({ consecutive5xx: 1 }), 0, () => 0, { ejected() {}, returned() {} })
  detector.status('x', 500, 0)
  detector.local('x', 'reset', 0)
  detector.uneject('x', 0)
  expect([detector.stats, detector.isEjected('x'), detector.ejectedUntil('x'), detector.needsSweep]).toEqual([{}, false, undefined, false])
})
