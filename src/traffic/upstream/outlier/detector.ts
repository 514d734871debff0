/**
 * Who fails too often is taken out, longer each time, and taken back by a sweep. Envoy's outlier_detection_impl as rules: it is told
 * what happened and when, and owns no clock and no timer. Sweeps run at whole intervals; those missed are made up for when time is told.
 */
import { below, type Random } from '../../../base/time/random.ts'
import { rateOutliers } from './rates.ts'
import { clearTallies, type HostRecord, hostRecord } from './record.ts'
import type { OutlierSettings } from './settings.ts'

/** What a try came to, when there is no HTTP status. */
export type LocalResult = 'connected' | 'connect-failure' | 'timeout' | 'reset'

export type EjectionKind =
  | 'consecutive_5xx'
  | 'consecutive_gateway_failure'
  | 'consecutive_local_origin_failure'
  | 'success_rate'
  | 'local_origin_success_rate'
  | 'failure_percentage'
  | 'local_origin_failure_percentage'

export interface DetectorEvents<K> {
  /** `until`: when the first sweep may take it back. */
  ejected(host: K, until: number, kind: EjectionKind): void
  returned(host: K, at: number): void
}

/** How long a host that left is remembered, ms. */
const GRACE = 300_000

export class OutlierDetector<K> {
  readonly stats: { [name: string]: number } = {}
  #settings: OutlierSettings
  readonly #records = new Map<K, HostRecord<K>>()
  /** Hosts that left, and when: who comes back soon finds its counts and its ejection again. */
  readonly #away = new Map<K, { record: HostRecord<K>; at: number }>()
  readonly #events: DetectorEvents<K>
  readonly #random: Random
  #nextSweep: number
  #active = 0
  /** Whether anything was counted since the last sweep. */
  #counted = false

  constructor(settings: OutlierSettings, now: number, random: Random, events: DetectorEvents<K>) {
    this.#settings = settings
    this.#nextSweep = now + settings.interval
    this.#random = random
    this.#events = events
  }

  get nextSweep(): number {
    return this.#nextSweep
  }

  /** Whether the next sweep may change who is in; all else can wait until somebody asks. */
  get needsSweep(): boolean {
    return this.#active > 0 || (this.#counted && this.#comparesRates)
  }

  get #comparesRates(): boolean {
    const { successRate, failurePercentage, split } = this.#settings
    if (this.#records.size < Math.min(successRate.minimumHosts, failurePercentage.minimumHosts)) return false
    const enforced = successRate.enforcing + failurePercentage.enforcing
    return enforced > 0 || (split && successRate.enforcingLocal + failurePercentage.enforcingLocal > 0)
  }

  get ejectionsActive(): number {
    return this.#active
  }

  isEjected(host: K): boolean {
    return this.#records.get(host)?.ejected ?? false
  }

  /** When the first sweep may take a host back; `undefined`: it is in. */
  ejectedUntil(host: K): number | undefined {
    const record = this.#records.get(host)
    return record?.ejected ? record.since + this.#length(record) : undefined
  }

  /** New settings; what was counted stays. */
  update(settings: OutlierSettings, now: number): void {
    if (settings.interval !== this.#settings.interval) this.#nextSweep = now + settings.interval
    this.#settings = settings
    // A threshold fires when it is met exactly: a count that a lower threshold has left behind would never fire again.
    const under = (count: number, threshold: number) => Math.min(count, Math.max(0, threshold - 1))
    for (const record of this.#records.values()) {
      if (record.ejected) continue
      record.c5xx = under(record.c5xx, settings.consecutive5xx)
      record.gateway = under(record.gateway, settings.consecutiveGateway)
      record.local = under(record.local, settings.consecutiveLocal)
    }
  }

  /** The hosts there are now. One that comes back within the grace is as it was, unless its ejection would exceed the cap now. */
  members(hosts: Iterable<K>, now: number): void {
    const here = new Set(hosts)
    for (const [host, record] of this.#records) {
      if (here.has(host)) continue
      if (record.ejected) this.#active--
      this.#records.delete(host)
      // Rates are compared per interval: what it did in this one says nothing about the one in which it comes back.
      clearTallies(record)
      this.#away.set(host, { record, at: now })
    }
    for (const [host, { at }] of this.#away) if (now - at >= GRACE) this.#away.delete(host)
    const back: HostRecord<K>[] = []
    for (const host of here) {
      if (this.#records.has(host)) continue
      const record = this.#away.get(host)?.record ?? hostRecord(host)
      this.#away.delete(host)
      this.#records.set(host, record)
      if (record.ejected) back.push(record)
    }
    for (const record of back) {
      const allowed = this.#mayEject()
      this.#active++
      if (!allowed) this.#return(record, now)
    }
  }

  // ── counting ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────

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
    this.#counted = true
    record.localOrigin.total++
    if (result === 'connected') {
      record.localOrigin.success++
      record.local = 0
    } else if (++record.local === this.#settings.consecutiveLocal) {
      if (this.#fire(record, 'consecutive_local_origin_failure', this.#settings.enforcingLocal, now)) record.local = 0
    }
  }

  #code(record: HostRecord<K>, status: number, now: number): void {
    this.#counted = true
    record.external.total++
    if (status < 500 || status > 599) {
      record.external.success++
      record.c5xx = record.gateway = 0
      return
    }
    const settings = this.#settings
    if (status >= 502 && status <= 504) {
      if (++record.gateway === settings.consecutiveGateway) {
        if (this.#fire(record, 'consecutive_gateway_failure', settings.enforcingGateway, now)) record.gateway = 0
      }
    } else record.gateway = 0
    if (++record.c5xx === settings.consecutive5xx) {
      if (this.#fire(record, 'consecutive_5xx', settings.enforcing5xx, now)) record.c5xx = 0
    }
  }

  // ── ejecting ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A threshold was met. False: the host is out already and goes on counting, as in Envoy. */
  #fire(record: HostRecord<K>, kind: EjectionKind, enforcing: number, now: number): boolean {
    if (record.ejected) return false
    this.#detected(record, kind, enforcing, now)
    return true
  }

  #detected(record: HostRecord<K>, kind: EjectionKind, enforcing: number, now: number): void {
    this.#count(`ejections_detected_${kind}`)
    if (record.ejected) return
    if (!this.#mayEject()) return this.#count('ejections_overflow')
    if (enforcing < 100 && below(this.#random, 100) >= enforcing) return
    this.#count('ejections_enforced_total')
    this.#count(`ejections_enforced_${kind}`)
    const { baseEjectionTime, maxEjectionTime, maxEjectionTimeJitter } = this.#settings
    record.ejected = true
    record.since = now
    record.jitter = maxEjectionTimeJitter > 0 ? below(this.#random, maxEjectionTimeJitter + 1) : 0
    if (record.multiplier * baseEjectionTime < maxEjectionTime + baseEjectionTime) record.multiplier++
    this.#active++
    this.#events.ejected(record.host, now + this.#length(record), kind)
  }

  /** Whether one more may go: the share of those out, of all priorities together, counts the newcomer already. */
  #mayEject(): boolean {
    const share = (100 * (this.#active + 1)) / this.#records.size
    return share <= Math.min(100, this.#settings.maxEjectionPercent) || (this.#settings.alwaysEjectOne && this.#active === 0)
  }

  #length(record: HostRecord<K>): number {
    return Math.min(this.#settings.baseEjectionTime * record.multiplier, this.#settings.maxEjectionTime) + record.jitter
  }

  /** Takes a host back before its time. */
  uneject(host: K, now: number): void {
    const record = this.#records.get(host)
    if (record?.ejected) this.#return(record, now)
  }

  #return(record: HostRecord<K>, at: number): void {
    record.ejected = false
    record.c5xx = record.gateway = record.local = 0
    record.lastReturn = at
    this.#active--
    this.#events.returned(record.host, at)
  }

  // ── sweeping ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Runs every sweep that is due, each as at its own time; however many were missed, it takes two steps. */
  advance(now: number): void {
    if (this.#nextSweep > now) return
    const { interval } = this.#settings
    if (this.#counted) {
      const at = this.#nextSweep
      this.#nextSweep += interval
      this.#returnUntil(at, at)
      this.#compare(at)
      this.#decay(at, at)
    }
    if (this.#nextSweep > now) return
    const first = this.#nextSweep
    const last = first + Math.floor((now - first) / interval) * interval
    this.#nextSweep = last + interval
    this.#returnUntil(first, last)
    this.#decay(first, last)
  }

  /** Takes back whose time is over, each at the sweep that would have done it. */
  #returnUntil(first: number, last: number): void {
    if (this.#active === 0) return
    const due: { record: HostRecord<K>; at: number }[] = []
    for (const record of this.#records.values()) {
      if (!record.ejected) continue
      const at = this.#sweepAt(first, record.since + this.#length(record))
      if (at <= last) due.push({ record, at })
    }
    due.sort((a, b) => a.at - b.at)
    for (const { record, at } of due) this.#return(record, at)
  }

  /** For each sweep that a host has been back for an interval, its next ejection is one base time shorter. */
  #decay(first: number, last: number): void {
    const { interval } = this.#settings
    for (const record of this.#records.values()) {
      if (record.ejected || record.multiplier === 0 || record.lastReturn === undefined) continue
      const from = this.#sweepAt(first, record.lastReturn + interval)
      if (from <= last) record.multiplier = Math.max(0, record.multiplier - (Math.round((last - from) / interval) + 1))
    }
  }

  /** The first sweep at or after a time, none before `first`. */
  #sweepAt(first: number, time: number): number {
    return time <= first ? first : first + Math.ceil((time - first) / this.#settings.interval) * this.#settings.interval
  }

  /** Compares what the hosts did since the last sweep. */
  #compare(at: number): void {
    this.#counted = false
    const { successRate, failurePercentage } = this.#settings
    const external = rateOutliers(this.#records, record => record.external, this.#settings)
    for (const record of external.successRate) this.#detected(record, 'success_rate', successRate.enforcing, at)
    for (const record of external.failurePercentage) this.#detected(record, 'failure_percentage', failurePercentage.enforcing, at)
    const local = rateOutliers(this.#records, record => record.localOrigin, this.#settings)
    for (const record of local.successRate) this.#detected(record, 'local_origin_success_rate', successRate.enforcingLocal, at)
    for (const record of local.failurePercentage)
      this.#detected(record, 'local_origin_failure_percentage', failurePercentage.enforcingLocal, at)
    for (const record of this.#records.values()) clearTallies(record)
  }

  #count(name: string): void {
    const key = `outlier_detection.${name}`
    this.stats[key] = (this.stats[key] ?? 0) + 1
  }
}
