/**
 * Resilience4j 2.4.0's breaker as its source has it, written anew for clarity: one object per stay in a state, every counted call in a list, figures
 * worked out when asked. It stands for recordings that nobody made: any configuration, any order of calls. Left out are its bugs (see
 * breaker-differences.ts): a permit is settled only while its own stay lasts, and a timer ends with its stay.
 */
import type { State } from '../../../src/policies/circuit-breaker/transitions.ts'

export interface PeerConfig {
  type: 'COUNT_BASED' | 'TIME_BASED'
  /** Calls, or seconds. */
  size: number
  minimum: number
  failureThreshold: number
  slowThreshold: number
  /** ms. */
  slowDuration: number
  permitted: number
  /** ms; 0: none. */
  maxHalfOpen: number
  afterHalfOpen: 'OPEN' | 'CLOSED'
  automatic: boolean
  initial: State
  wait: (attempt: number) => number
  ignores: (error: string) => boolean
  records: (error: string) => boolean
  recordsResult: (result: string) => boolean
  /** Opens for so long, by result or error. */
  opensFor: Readonly<Record<string, number>>
}

/** What is counted in, and by whom it is shared: OPEN goes on with the one of the state before. */
interface Figures {
  readonly calls: { failed: boolean; slow: boolean; second: number }[]
  readonly kind: 'calls' | 'seconds'
  readonly size: number
  readonly minimum: number
  refused: number
}

export interface Stay {
  readonly state: State
  readonly attempts: number
  readonly figures: Figures
  /** OPEN: the last moment at which it still refuses. */
  readonly openUntil: number
  /** When a timer ends it, and where that leads. */
  readonly timer: { at: number; to: State } | undefined
  permits: number
  toldFailure: boolean
  toldSlow: boolean
}

const NEVER_FROM: Partial<Record<State, readonly State[]>> = { CLOSED: ['HALF_OPEN'], METRICS_ONLY: ['OPEN', 'HALF_OPEN'] }
const QUIET: readonly State[] = ['DISABLED', 'FORCED_OPEN']

export class Peer {
  stay: Stay
  now: number
  heard: string[] = []
  readonly config: PeerConfig

  constructor(config: PeerConfig, now: number) {
    this.config = config
    this.now = now
    const { initial } = config
    // An opening from the start is the first one; so are the probes of a breaker that starts with probing.
    const attempts = initial === 'OPEN' || initial === 'FORCED_OPEN' || initial === 'HALF_OPEN' ? 1 : 0
    this.stay = initial === 'OPEN' ? this.#open(1, now + config.wait(1), this.#full()) : this.#fresh(initial, attempts)
  }

  acquire(): Stay | undefined {
    if (this.stay.state === 'OPEN' && this.now > this.stay.openUntil) this.#go('HALF_OPEN')
    const { stay } = this
    const refuses = stay.state === 'OPEN' || stay.state === 'FORCED_OPEN' || (stay.state === 'HALF_OPEN' && stay.permits === 0)
    if (!refuses) {
      if (stay.state === 'HALF_OPEN') stay.permits--
      return stay
    }
    stay.figures.refused++
    this.#tell('NOT_PERMITTED')
    return undefined
  }

  release(): void {
    if (this.stay.state === 'HALF_OPEN') this.stay.permits++
  }

  success(ms: number): void {
    this.#tell('SUCCESS')
    this.#count(false, ms)
  }

  result(value: string | null, ms: number): void {
    if (value !== null && this.config.recordsResult(value)) {
      this.#tell('ERROR')
      this.#count(true, ms)
      return
    }
    this.success(ms)
    if (value !== null) this.#opensOn(value)
  }

  error(error: string, ms: number): void {
    if (this.config.ignores(error)) {
      this.release()
      this.#tell('IGNORED_ERROR')
      return
    }
    if (this.config.records(error)) {
      this.#tell('ERROR')
      this.#count(true, ms)
    } else this.success(ms)
    this.#opensOn(error)
  }

  advance(ms: number): void {
    const end = this.now + ms
    for (let { timer } = this.stay; timer !== undefined && timer.at <= end; { timer } = this.stay) {
      this.now = Math.max(this.now, timer.at)
      this.#go(timer.to)
    }
    this.now = end
  }

  /** False: refused. */
  manual(to: State, forMs?: number): boolean {
    if (NEVER_FROM[this.stay.state]?.includes(to)) return false
    this.#go(to, forMs)
    return true
  }

  reset(): void {
    this.#go('CLOSED')
    this.#say('RESET')
  }

  /** As the recordings have it. */
  get metrics(): number[] {
    const { figures } = this.stay
    const calls = this.#counted(figures)
    const failed = calls.filter(c => c.failed).length
    const slow = calls.filter(c => c.slow).length
    const slowFailed = calls.filter(c => c.slow && c.failed).length
    const { failureRate, slowRate } = this.#rates(figures)
    return [failureRate, slowRate, calls.length, failed, slow, slowFailed, slow - slowFailed, calls.length - failed, figures.refused]
  }

  #count(failed: boolean, ms: number): void {
    const { stay, config } = this
    if (QUIET.includes(stay.state)) return
    stay.figures.calls.push({ failed, slow: ms > config.slowDuration, second: Math.floor(this.now / 1000) })
    const { failureRate, slowRate } = this.#rates(stay.figures)
    if (failureRate === -1) return
    const tooMany = failureRate >= Math.fround(config.failureThreshold)
    const tooSlow = slowRate >= Math.fround(config.slowThreshold)
    if (stay.state === 'HALF_OPEN') return this.#go(tooMany || tooSlow ? 'OPEN' : 'CLOSED')
    if (tooMany && !stay.toldFailure) this.#tell(`FAILURE_RATE_EXCEEDED:${failureRate}`)
    if (tooSlow && !stay.toldSlow) this.#tell(`SLOW_CALL_RATE_EXCEEDED:${slowRate}`)
    stay.toldFailure ||= tooMany
    stay.toldSlow ||= tooSlow
    if (stay.state === 'CLOSED' && (tooMany || tooSlow)) this.#go('OPEN')
  }

  /** In whatever state the outcome has led to: also in a CLOSED that it has just brought about. */
  #opensOn(outcome: string): void {
    const ms = this.config.opensFor[outcome]
    if (ms !== undefined && this.stay.state === 'CLOSED') this.#go('OPEN', ms)
  }

  #counted({ calls, kind, size }: Figures): Figures['calls'] {
    const second = Math.floor(this.now / 1000)
    return kind === 'calls' ? (size === 0 ? [] : calls.slice(-size)) : calls.filter(call => second - call.second < size)
  }

  #rates(figures: Figures): { failureRate: number; slowRate: number } {
    const calls = this.#counted(figures)
    if (calls.length === 0 || calls.length < figures.minimum) return { failureRate: -1, slowRate: -1 }
    const share = (n: number) => Math.fround((n * 100) / calls.length)
    return { failureRate: share(calls.filter(c => c.failed).length), slowRate: share(calls.filter(c => c.slow).length) }
  }

  #go(to: State, forMs?: number): void {
    const { state: from, attempts, figures } = this.stay
    if (to === 'OPEN') {
      const next = forMs === undefined ? attempts + 1 : attempts
      this.stay = this.#open(next, this.now + (forMs ?? this.config.wait(next)), figures)
    } else this.stay = this.#fresh(to, to === 'FORCED_OPEN' ? attempts + 1 : to === 'HALF_OPEN' ? attempts : 0)
    if (from !== to) this.#say(`STATE_TRANSITION:${from}>${to}`)
  }

  #open(attempts: number, openUntil: number, figures: Figures): Stay {
    const timer = this.config.automatic ? { at: openUntil, to: 'HALF_OPEN' as const } : undefined
    return { state: 'OPEN', attempts, figures, openUntil, timer, permits: 0, toldFailure: false, toldSlow: false }
  }

  #fresh(state: State, attempts: number): Stay {
    const { permitted, minimum, maxHalfOpen, afterHalfOpen } = this.config
    const probing = state === 'HALF_OPEN'
    const few = (size: number): Figures => ({ calls: [], kind: 'calls', size, minimum: Math.min(minimum, size), refused: 0 })
    return {
      state,
      attempts,
      figures: probing ? few(permitted) : QUIET.includes(state) ? few(0) : this.#full(),
      openUntil: Infinity,
      timer: probing && maxHalfOpen > 0 ? { at: this.now + maxHalfOpen, to: afterHalfOpen } : undefined,
      permits: probing ? permitted : 0,
      toldFailure: false,
      toldSlow: false,
    }
  }

  #full(): Figures {
    const { type, size, minimum } = this.config
    return type === 'COUNT_BASED'
      ? { calls: [], kind: 'calls', size, minimum: Math.min(minimum, size), refused: 0 }
      : { calls: [], kind: 'seconds', size, minimum, refused: 0 }
  }

  /** Kept to itself in the two quiet states. */
  #tell(event: string): void {
    if (!QUIET.includes(this.stay.state)) this.#say(event)
  }

  #say(event: string): void {
    this.heard.push(event)
  }
}
