/**
 * The breaker written for clarity: a list of every call a state has counted, one object per state so that a permit knows its own, figures worked out
 * anew each time. Nothing of the kernel's is used but the names of the states.
 */
import type { State } from '../../../src/policies/circuit-breaker/transitions.ts'

export interface Settings {
  type: 'COUNT_BASED' | 'TIME_BASED'
  /** Calls when COUNT_BASED; a time window has ten slices of 100 ms. */
  size: number
  minimum: number
  permitted: number
  /** ms; 0: HALF_OPEN has no end. */
  longestProbing: number
  consecutive: number
}

interface Counted {
  failed: boolean
  slow: boolean
  at: number
}

/** One stay in a state. */
export interface Stay {
  readonly state: State
  readonly since: number
  readonly until: number
  calls: Counted[]
  /** How `calls` is cut: OPEN has the cut of the state before. */
  cut: { type: Settings['type'] | 'NOTHING'; size: number; minimum: number }
  permits: number
  inARow: number
}

export const SLICE = 100
const SLICES = 10
export const WAIT = 150
export const THRESHOLDS = { failed: 50, slow: 80 }
const slice = (at: number) => Math.floor(at / SLICE)

export class Model {
  settings: Settings
  stay: Stay
  refused = 0
  attempts = 0
  /** `FROM>TO`, and what was exceeded. */
  readonly seen: string[] = []

  constructor(settings: Settings) {
    this.settings = settings
    this.stay = this.fresh('CLOSED', 0)
  }

  go(state: State, now: number, forMs?: number): void {
    const from = this.stay
    if (state === 'OPEN') {
      if (forMs === undefined) this.attempts++
      this.stay = { ...this.fresh('OPEN', now), until: now + (forMs ?? this.attempts * WAIT), calls: from.calls, cut: from.cut }
    } else {
      this.refused = 0
      if (state === 'FORCED_OPEN') this.attempts++
      else if (state !== 'HALF_OPEN') this.attempts = 0
      this.stay = this.fresh(state, now)
    }
    if (from.state !== state) this.seen.push(`${from.state}>${state}`)
  }

  acquire(now: number): Stay | undefined {
    if (this.stay.state === 'OPEN' && now > this.stay.until) this.go('HALF_OPEN', now)
    const { stay } = this
    if (stay.state === 'OPEN' || stay.state === 'FORCED_OPEN' || (stay.state === 'HALF_OPEN' && stay.permits <= 0)) {
      this.refused++
      return undefined
    }
    stay.permits--
    return stay
  }

  record(from: Stay, failed: boolean, slow: boolean, now: number): void {
    const { stay } = this
    if (from !== stay || stay.state === 'DISABLED') return
    stay.calls.push({ failed, slow, at: now })
    stay.inARow = failed ? stay.inARow + 1 : 0
    this.decide(now)
  }

  release(from: Stay): void {
    if (from === this.stay) from.permits++
  }

  /** Time has come to the end of a half-open state. */
  due(now: number): void {
    if (this.stay.state === 'HALF_OPEN' && now >= this.stay.until) this.go('OPEN', now)
  }

  update(settings: Settings, now: number): void {
    const before = this.settings
    this.settings = settings
    const { stay } = this
    if (stay.state === 'CLOSED' || stay.state === 'METRICS_ONLY') {
      const calls = this.counted(now)
      // A time window knows the order of its slices only, so within one the order is that of outcomes.
      if (before.type !== settings.type && before.type === 'TIME_BASED')
        calls.sort((a, b) => slice(a.at) - slice(b.at) || outcome(a) - outcome(b))
      if (before.type !== settings.type && before.type === 'COUNT_BASED') for (const call of calls) call.at = now
      stay.calls = calls
      stay.cut = this.closedCut()
      if (stay.cut.type === 'COUNT_BASED') stay.calls = this.counted(now)
    } else if (stay.state === 'HALF_OPEN') {
      stay.calls = this.counted(now)
      stay.cut = this.probingCut()
      stay.calls = this.counted(now)
      stay.permits += settings.permitted - before.permitted
      const until = before.longestProbing === settings.longestProbing ? stay.until : this.probingUntil(stay.since)
      this.stay = Object.assign(stay, { until })
      this.decide(now)
    }
  }

  /** The calls that count now. */
  counted(now: number): Counted[] {
    const { calls, cut } = this.stay
    if (cut.type === 'NOTHING') return []
    return cut.type === 'COUNT_BASED' ? calls.slice(-cut.size) : calls.filter(call => slice(now) - slice(call.at) < SLICES)
  }

  private decide(now: number): void {
    const { stay } = this
    const calls = this.counted(now)
    const enough = calls.length > 0 && calls.length >= stay.cut.minimum
    const exceeded = (kind: 'failed' | 'slow') => enough && calls.filter(c => c[kind]).length * 100 >= THRESHOLDS[kind] * calls.length
    if (stay.state === 'HALF_OPEN') {
      if (exceeded('failed') || exceeded('slow')) this.go('OPEN', now)
      else if (enough) this.go('CLOSED', now)
    } else if (stay.state === 'CLOSED') {
      if (exceeded('failed') || exceeded('slow') || stay.inARow >= this.settings.consecutive) this.go('OPEN', now)
    }
  }

  fresh(state: State, now: number): Stay {
    const cut =
      state === 'HALF_OPEN'
        ? this.probingCut()
        : state === 'CLOSED' || state === 'METRICS_ONLY'
          ? this.closedCut()
          : { type: 'NOTHING' as const, size: 0, minimum: Infinity }
    const permits = state === 'HALF_OPEN' ? this.settings.permitted : 0
    return { state, since: now, until: state === 'HALF_OPEN' ? this.probingUntil(now) : Infinity, calls: [], cut, permits, inARow: 0 }
  }

  private probingUntil(since: number): number {
    return this.settings.longestProbing > 0 ? since + this.settings.longestProbing : Infinity
  }

  private closedCut(): Stay['cut'] {
    const { type, size, minimum } = this.settings
    return { type, size, minimum: type === 'COUNT_BASED' ? Math.min(size, minimum) : minimum }
  }

  private probingCut(): Stay['cut'] {
    const { minimum, permitted } = this.settings
    return { type: 'COUNT_BASED', size: permitted, minimum: Math.min(minimum, permitted) }
  }
}

const outcome = (call: Counted) => (call.failed ? 1 : 0) + (call.slow ? 2 : 0)
