/**
 * The algorithms against a model that remembers every sample and works its answer out from the list. Recordings of concurrency-limits hold
 * the figures; this holds what they do not reach: settings that change, samples without time, windows of every shape, and the bounds.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/time/random.ts'
import { limitOf } from '../../../src/policies/adaptive-concurrency/kernel.ts'
import { type AdaptiveConcurrencySettings, readAdaptiveOptions } from '../../../src/policies/adaptive-concurrency/options.ts'
import { DEEP_TIMEOUT, OPERATIONS, runs } from '../../deep.ts'

interface Sample {
  start: number
  rtt: number
  inflight: number
  dropped: boolean
}

const mean = (list: readonly number[]) => list.reduce((sum, n) => sum + n, 0) / list.length

class Model {
  settings: AdaptiveConcurrencySettings
  estimate: number
  random: () => number
  /** Vegas: samples since the time without load was last measured, and those among which the shortest counts as such. */
  since = 0
  quiet: number[] = []
  jitter: number
  /** Gradient2. */
  times: number[] = []
  long = 0
  /** The window that is filling, and when the one before ended. */
  gathered: Sample[] = []
  quickDrops = 0
  closedAt = 0

  constructor(settings: AdaptiveConcurrencySettings, seed: number) {
    this.settings = settings
    this.estimate = settings.limit ?? settings.initialLimit ?? 20
    this.random = seededRandom(seed)
    this.jitter = settings.algorithm === 'vegas' ? this.random() / 2 + 0.5 : 0
    if (settings.algorithm === 'aimd') this.#put(this.estimate)
  }

  change(settings: AdaptiveConcurrencySettings): void {
    this.settings = settings
    if (settings.algorithm === 'settable') this.estimate = settings.limit ?? settings.initialLimit ?? 20
    else this.#put(this.estimate)
  }

  sample(sample: Sample): void {
    const { window } = this.settings
    if (window === undefined) return this.#learn(sample)
    const least = window.minRttThreshold * 1e6
    const quick = sample.rtt < least
    if (quick && sample.dropped) this.quickDrops++
    if (quick && (!sample.dropped || this.quickDrops < window.windowSize)) return
    const full = window.percentile !== undefined && this.gathered.length >= window.percentileSamples
    if (!full && !quick) this.gathered.push(sample)
    const end = sample.start + sample.rtt
    if (end <= this.closedAt) return
    const times = this.gathered.length > 0 ? this.gathered.map(s => s.rtt) : [least]
    const length = Math.min(Math.max(2 * Math.min(...times), window.minWindowTime * 1e6), window.maxWindowTime * 1e6)
    this.closedAt = end + length
    const enough = this.gathered.length >= window.windowSize
    if (enough || this.quickDrops >= window.windowSize) {
      const ranked = times.toSorted((a, b) => a - b)
      const rank = Math.max(1, Math.round(ranked.length * (window.percentile ?? 1)))
      this.#learn({
        start: sample.start,
        rtt: window.percentile === undefined ? Math.floor(mean(times)) : ranked[rank - 1]!,
        inflight: enough ? Math.max(...this.gathered.map(s => s.inflight)) : sample.inflight,
        dropped: this.quickDrops > 0 || this.gathered.some(s => s.dropped),
      })
    }
    this.quickDrops = 0
    this.gathered = []
  }

  #put(limit: number): void {
    const { algorithm, minLimit, maxLimit, maxConcurrency } = this.settings
    const most = maxLimit ?? maxConcurrency ?? (algorithm === 'vegas' ? 1000 : 200)
    const least = minLimit ?? (algorithm === 'vegas' ? 1 : Math.min(20, most))
    this.estimate = limit < least ? least : limit > most ? most : limit
  }

  #learn(sample: Sample): void {
    const { algorithm } = this.settings
    if (algorithm === 'aimd') this.#aimd(sample)
    else if (algorithm === 'vegas' && sample.rtt > 0) this.#vegas(sample)
    else if (algorithm === 'gradient2' && sample.rtt > 0) this.#gradient2(sample)
  }

  #aimd({ rtt, inflight, dropped }: Sample): void {
    const { timeout = 5000, backoffRatio = 0.9 } = this.settings
    const overloaded = dropped || rtt / 1e6 > timeout
    const used = inflight / this.estimate >= 0.5
    this.#put(overloaded ? Math.floor(this.estimate * backoffRatio) : used ? this.estimate + 1 : this.estimate)
  }

  #vegas({ rtt, inflight, dropped }: Sample): void {
    const { smoothing = 1, alpha, beta, probeMultiplier = 30 } = this.settings
    this.since++
    if (this.since >= this.jitter * probeMultiplier * this.estimate) {
      this.jitter = this.random() / 2 + 0.5
      this.since = 0
      this.quiet = [rtt]
      return
    }
    this.quiet.push(rtt)
    const shortest = Math.min(...this.quiet)
    if (this.quiet.indexOf(shortest) === this.quiet.length - 1) return // a new shortest time is only noted
    const digits = String(Math.floor(this.estimate)).length
    const step = Math.max(1, digits - 1)
    const queue = Math.ceil(this.estimate * (1 - shortest / rtt))
    const grown = () => {
      if (queue <= step) return beta ?? step * 6
      if (queue < (alpha ?? step * 3)) return step
      return queue > (beta ?? step * 6) ? -step : undefined
    }
    const by = dropped ? -step : this.estimate > 2 * inflight ? undefined : grown()
    if (by === undefined) return
    const before = this.estimate
    this.#put(before + by)
    this.estimate = before * (1 - smoothing) + this.estimate * smoothing
  }

  #gradient2({ rtt, inflight }: Sample): void {
    const { smoothing = 0.2, queueSize = 4, rttTolerance = 1.5, longWindow = 600 } = this.settings
    this.times.push(rtt)
    const weight = 2 / (1 + longWindow)
    this.long = this.times.length <= 10 ? mean(this.times) : this.long * (1 - weight) + rtt * weight
    const long = this.long
    if (long > 2 * rtt) this.long = 0.95 * long
    if (this.estimate > 2 * inflight) return
    const wanted = this.estimate * Math.min(1, Math.max(0.5, (rttTolerance * long) / rtt)) + queueSize
    this.#put(this.estimate * (1 - smoothing) + wanted * smoothing)
  }
}

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const window = fc.record({
  minWindowTime: fc.constantFrom(100, 300),
  maxWindowTime: fc.constantFrom(300, 1000),
  windowSize: fc.constantFrom(10, 15),
  minRttThreshold: fc.constantFrom(0, 0.1, 5),
  percentile: maybe(fc.constantFrom(0.01, 0.5, 0.9, 1)),
  percentileSamples: fc.constantFrom(15, 20),
})
const bounds = fc.record({ minLimit: maybe(fc.integer({ min: 1, max: 20 })), maxLimit: maybe(fc.integer({ min: 20, max: 1500 })) })
const OWN = {
  aimd: fc.record({ backoffRatio: maybe(fc.constantFrom(0.5, 0.7, 0.95)), timeout: maybe(fc.constantFrom(10, 200)) }),
  vegas: fc.record({
    smoothing: maybe(fc.constantFrom(0.3, 1)),
    alpha: maybe(fc.integer({ min: 0, max: 8 })),
    beta: maybe(fc.integer({ min: 0, max: 12 })),
    probeMultiplier: maybe(fc.integer({ min: 1, max: 30 })),
  }),
  gradient2: fc.record({
    smoothing: maybe(fc.constantFrom(0.2, 1)),
    queueSize: maybe(fc.integer({ min: 0, max: 20 })),
    rttTolerance: maybe(fc.constantFrom(1, 1.5, 3)),
    longWindow: maybe(fc.constantFrom(1, 20, 600)),
  }),
  settable: fc.record({ limit: maybe(fc.integer({ min: 1, max: 50 })) }),
}
const op = fc.oneof(
  {
    weight: 40,
    arbitrary: fc.record({
      op: fc.constant('sample' as const),
      after: fc.oneof({ weight: 9, arbitrary: fc.nat(20) }, { weight: 1, arbitrary: fc.nat(600) }),
      us: fc.oneof(fc.integer({ min: 900, max: 3000 }), fc.nat(300_000), fc.constant(0)),
      share: fc.constantFrom(0, 0.3, 0.5, 0.8, 1),
      dropped: fc.boolean().chain(maybeDrop => (maybeDrop ? fc.boolean() : fc.constant(false))),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('change' as const), pick: fc.nat() }) },
)

test.each(['aimd', 'vegas', 'gradient2', 'settable'] as const)(
  '%s: any sequence of samples and changed settings agrees with the model, within its bounds',
  algorithm => {
    let operations = 0
    const settings = fc.array(fc.tuple(OWN[algorithm], bounds), { minLength: 1, maxLength: 4 })
    const initial = maybe(fc.integer({ min: 20, max: 1200 }))
    fc.assert(
      fc.property(
        settings,
        maybe(window),
        initial,
        fc.nat(),
        fc.array(op, { minLength: 120, maxLength: 240 }),
        (all, window, initialLimit, seed, ops) => {
          const read = all.map(([own, limits]) => {
            const bounded =
              algorithm === 'settable' ? {} : { initialLimit: Math.min(initialLimit ?? 20, limits.maxLimit ?? 200), ...limits }
            return readAdaptiveOptions({ algorithm, ...bounded, ...own, window })
          })
          const limit = limitOf(read[0]!, seededRandom(seed))
          const model = new Model(read[0]!, seed)
          let now = 0
          for (const o of ops) {
            operations++
            if (o.op === 'change') {
              const changed = read[o.pick % read.length]!
              limit.change(changed)
              model.change(changed)
            } else {
              now += o.after * 1e6
              const inflight = Math.ceil(model.estimate * o.share)
              limit.sample(now, o.us * 1000, inflight, o.dropped)
              model.sample({ start: now, rtt: o.us * 1000, inflight, dropped: o.dropped })
            }
            if (Math.abs(limit.estimate - model.estimate) > 1e-9 * model.estimate) expect(limit.estimate, `at ${now}`).toBe(model.estimate)
          }
        },
      ),
      { numRuns: runs(120) },
    )
    expect(operations).toBeGreaterThan(OPERATIONS)
  },
  DEEP_TIMEOUT,
)
