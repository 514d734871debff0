/** How long the connections of a pool are kept: closed when unused for too long, or too old. One timer, armed for whoever has to go first. */
import type { Clock, Timer } from '../../../base/time/clock.ts'
import type { PoolStats } from './limits.ts'
import type { Member } from './member.ts'

export interface KeepSettings {
  /** ms that a ready connection is kept; `Infinity` for ever. */
  readonly idleTimeout: number
  /** ms; 0 for no bound. */
  readonly maxConnectionDuration: number
}

export class KeepTime {
  settings: KeepSettings
  readonly #members: ReadonlyMap<unknown, Member>
  readonly #clock: Clock
  readonly #stats: PoolStats
  readonly #retire: (member: Member) => void
  #timer: Timer | undefined
  #due = Infinity

  constructor(
    settings: KeepSettings,
    members: ReadonlyMap<unknown, Member>,
    clock: Clock,
    stats: PoolStats,
    retire: (member: Member) => void,
  ) {
    this.settings = settings
    this.#members = members
    this.#clock = clock
    this.#stats = stats
    this.#retire = retire
  }

  /** Something has become idle, or was connected: nothing to do while the timer comes early enough anyway. */
  watch(): void {
    const { idleTimeout, maxConnectionDuration } = this.settings
    const soonest = Math.min(idleTimeout || Infinity, maxConnectionDuration || Infinity)
    if (soonest === Infinity || (this.#timer !== undefined && this.#due <= this.#clock.now() + soonest)) return
    let earliest = Infinity
    for (const member of this.#members.values()) earliest = Math.min(earliest, this.#end(member))
    this.stop()
    this.#due = earliest
    if (earliest === Infinity) return
    this.#timer = this.#clock.schedule(earliest - this.#clock.now(), () => this.#look())
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#due = Infinity
  }

  /** When a member has to go, ms of the clock. */
  #end(member: Member): number {
    const { idleTimeout, maxConnectionDuration } = this.settings
    if (member.promised > 0 || member.draining) return Infinity
    const idle = member.active === 0 && idleTimeout > 0 ? member.idleSince + idleTimeout : Infinity
    return maxConnectionDuration > 0 ? Math.min(idle, member.connectedAt + maxConnectionDuration) : idle
  }

  #look(): void {
    this.#timer = undefined
    this.#due = Infinity
    const now = this.#clock.now()
    const { maxConnectionDuration } = this.settings
    for (const member of [...this.#members.values()]) {
      if (this.#end(member) > now) continue
      if (maxConnectionDuration > 0 && now - member.connectedAt >= maxConnectionDuration) this.#stats.upstream_cx_max_duration_reached++
      else this.#stats.upstream_cx_idle_timeout++
      this.#retire(member)
    }
    this.watch()
  }
}
