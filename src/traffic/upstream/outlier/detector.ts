/**
 * Who fails too often in a row is taken out, longer each time, and taken back by a sweep. Envoy's outlier_detection_impl as rules: it
 * is told what happened and when, and owns no clock and no timer.
 */
import { below, type Random } from '../../../base/time/random.ts'
import type { OutlierSettings } from './settings.ts'

/** What a try came to, when there is no HTTP status. */
export type LocalResult = 'connected' | 'connect-failure' | 'timeout' | 'reset'

type Kind = 'consecutive_5xx' | 'consecutive_gateway_failure' | 'consecutive_local_origin_failure'

interface Record<K> {
  readonly host: K
  c5xx: number
  gateway: number
  local: number
  multiplier: number
  ejected: boolean
  byHand: boolean
  since: number
  jitter: number
  lastReturn: number | undefined
}

export interface DetectorEvents<K> {
  ejected(host: K, until: number): void
  returned(host: K): void
}

export class OutlierDetector<K> {
  readonly stats: { [name: string]: number } = {}
  #settings: OutlierSettings
  readonly #records = new Map<K, Record<K>>()
  readonly #events: DetectorEvents<K>
  readonly #random: Random
  #nextSweep: number
  #active = 0

  constructor(settings: OutlierSettings, now: number, random: Random, events: DetectorEvents<K>) {
    this.#settings = settings
    this.#nextSweep = now + settings.interval
    this.#random = random
    this.#events = events
  }

  /** When the next sweep is due; nothing needs one while nobody is out and nobody's ejection time decays. */
  get nextSweep(): number {
    return this.#nextSweep
  }

  /** Whether a sweep would do anything. */
  get needsSweep(): boolean {
    if (this.#active > 0) return true
    for (const record of this.#records.values()) if (record.multiplier > 0) return true
    return false
  }

  get ejectionsActive(): number {
    return this.#active
  }

  /** New settings; what was counted stays. */
  update(settings: OutlierSettings, now: number): void {
    if (settings.interval !== this.#settings.interval) this.#nextSweep = now + settings.interval
    this.#settings = settings
    // A threshold fires when it is met exactly: a count that a lower threshold has left behind would never fire again.
    const under = (count: number, threshold: number) => Math.min(count, Math.max(0, threshold - 1))
    for (const record of this.#records.values()) {
      record.c5xx = under(record.c5xx, settings.consecutive5xx)
      record.gateway = under(record.gateway, settings.consecutiveGateway)
      record.local = under(record.local, settings.consecutiveLocal)
    }
  }

  /** The hosts there are now. Those gone are forgotten, with their ejections. */
  members(hosts: Iterable<K>): void {
    const now = new Set(hosts)
    for (const host of now)
      if (!this.#records.has(host))
        this.#records.set(host, {
          host,
          c5xx: 0,
          gateway: 0,
          local: 0,
          multiplier: 0,
          ejected: false,
          byHand: false,
          since: 0,
          jitter: 0,
          lastReturn: undefined,
        })
    for (const [host, record] of this.#records) {
      if (now.has(host)) continue
      if (record.ejected) this.#active--
      this.#records.delete(host)
    }
  }

  isEjected(host: K): boolean {
    return this.#records.get(host)?.ejected ?? false
  }

  /** Counts a response's status. */
  status(host: K, status: number, now: number): void {
    const record = this.#records.get(host)
    if (record !== undefined) this.#code(record, status, now)
  }

  /** Counts what happened without a status. */
  local(host: K, result: LocalResult, now: number): void {
    const record = this.#records.get(host)
    if (record === undefined) return
    if (!this.#settings.split) {
      if (result === 'timeout') this.#code(record, 504, now)
      else if (result !== 'connected') this.#code(record, 503, now)
      return
    }
    if (result === 'connected') record.local = 0
    else if (++record.local === this.#settings.consecutiveLocal)
      this.#fire(record, 'consecutive_local_origin_failure', this.#settings.enforcingLocal, now)
  }

  #code(record: Record<K>, status: number, now: number): void {
    if (status < 500 || status > 599) {
      record.c5xx = record.gateway = 0
      return
    }
    const settings = this.#settings
    if (status >= 502 && status <= 504) {
      if (++record.gateway === settings.consecutiveGateway)
        this.#fire(record, 'consecutive_gateway_failure', settings.enforcingGateway, now)
    } else record.gateway = 0
    if (++record.c5xx === settings.consecutive5xx) this.#fire(record, 'consecutive_5xx', settings.enforcing5xx, now)
  }

  /** A threshold was met. A host that is out already keeps counting, as in Envoy. */
  #fire(record: Record<K>, kind: Kind, enforcing: number, now: number): void {
    if (record.ejected) return
    this.#count(`ejections_detected_${kind}`)
    const share = (100 * (this.#active + 1)) / this.#records.size
    const allowed = share <= Math.min(100, this.#settings.maxEjectionPercent) || (this.#settings.alwaysEjectOne && this.#active === 0)
    if (!allowed) this.#count('ejections_overflow')
    else if (enforcing > 0 && (enforcing >= 100 || below(this.#random, 100) < enforcing)) {
      this.#count('ejections_enforced_total')
      this.#count(`ejections_enforced_${kind}`)
      this.#eject(record, now)
    }
    if (kind === 'consecutive_5xx') record.c5xx = 0
    else if (kind === 'consecutive_gateway_failure') record.gateway = 0
    else record.local = 0
  }

  #eject(record: Record<K>, now: number): void {
    const { baseEjectionTime, maxEjectionTime, maxEjectionTimeJitter } = this.#settings
    record.ejected = true
    record.since = now
    record.jitter = maxEjectionTimeJitter > 0 ? below(this.#random, maxEjectionTimeJitter + 1) : 0
    if (record.multiplier * baseEjectionTime < maxEjectionTime + baseEjectionTime) record.multiplier++
    this.#active++
    this.#events.ejected(record.host, now + this.#length(record))
  }

  #length(record: Record<K>): number {
    return Math.min(this.#settings.baseEjectionTime * record.multiplier, this.#settings.maxEjectionTime) + record.jitter
  }

  /** Takes a host out by hand, whatever the cap; `uneject` takes it back. */
  eject(host: K, now: number): void {
    const record = this.#records.get(host)
    if (record === undefined || record.ejected) return
    record.byHand = true
    this.#eject(record, now)
  }

  uneject(host: K, now: number): void {
    const record = this.#records.get(host)
    if (record?.ejected) this.#return(record, now)
  }

  #return(record: Record<K>, now: number): void {
    record.ejected = record.byHand = false
    record.c5xx = record.gateway = record.local = 0
    record.lastReturn = now
    this.#active--
    this.#events.returned(record.host)
  }

  /** Runs every sweep that is due, each at its own time. */
  advance(now: number): void {
    while (this.#nextSweep <= now) {
      const at = this.#nextSweep
      this.#nextSweep += this.#settings.interval
      if (!this.needsSweep) {
        // Nothing to sweep: the sweeps missed are skipped in one step.
        const missed = Math.floor((now - this.#nextSweep) / this.#settings.interval) + 1
        if (missed > 0) this.#nextSweep += missed * this.#settings.interval
        return
      }
      for (const record of this.#records.values())
        if (record.ejected && !record.byHand && this.#length(record) <= at - record.since) this.#return(record, at)
      for (const record of this.#records.values())
        if (!record.ejected && record.lastReturn !== undefined && at - record.lastReturn >= this.#settings.interval)
          record.multiplier = Math.max(0, record.multiplier - 1)
    }
  }

  #count(name: string): void {
    this.stats[`outlier_detection.${name}`] = (this.stats[`outlier_detection.${name}`] ?? 0) + 1
  }
}
