/**
 * Who of a cluster is out, and who comes back when: the detector at work on the clock, beside it what was taken out by hand, and the
 * word to balancer and listeners. The timer runs only while somebody's return, or a comparison of rates, is due.
 */
import type { Clock, Timer } from '../../../base/time/clock.ts'
import type { Random } from '../../../base/time/random.ts'
import type { OutlierDetection } from '../../../envoy/index.ts'
import type { Host } from '../host.ts'
import type { HostSet } from '../host-set.ts'
import { type DetectorEvents, type LocalResult, OutlierDetector } from './detector.ts'
import { HeldOut } from './held-out.ts'
import { type OutlierSettings, outlierSettings } from './settings.ts'

/** Told of every host that goes out or comes back; `until`: when it may come back, ms of the clock. */
export type TellEjection = (host: Host, out: boolean, until: number | undefined) => void

export class Ejections {
  readonly #hosts: HostSet
  readonly #clock: Clock
  readonly #random: Random
  readonly #tell: TellEjection
  readonly #held = new HeldOut<Host>()
  #settings: OutlierSettings | undefined
  #detector: OutlierDetector<Host> | undefined
  #timer: Timer | undefined
  #timerDue = Infinity
  readonly #events: DetectorEvents<Host> = {
    ejected: host => {
      host.ejected = true
      this.#changed(host, true)
    },
    returned: host => {
      host.ejected = false
      this.#changed(host, false)
    },
  }

  constructor(hosts: HostSet, clock: Clock, random: Random, tell: TellEjection) {
    this.#hosts = hosts
    this.#clock = clock
    this.#random = random
    this.#tell = tell
  }

  /** New settings keep what was counted; without any, nobody is out but by hand. */
  configure(detection: OutlierDetection | undefined): void {
    const now = this.#clock.now()
    if (detection === undefined) {
      const detector = this.#detector
      this.#detector = this.#settings = undefined
      if (detector !== undefined) for (const host of this.#hosts.all) if (host.ejected) this.#events.returned(host, now)
      return this.#watch()
    }
    this.#settings = outlierSettings(detection)
    if (this.#detector === undefined) {
      this.#detector = new OutlierDetector(this.#settings, now, this.#random, this.#events)
      this.#detector.members(this.#hosts.all, now)
    } else {
      this.#detector.advance(now)
      this.#detector.update(this.#settings, now)
      for (const host of this.#hosts.all) this.#date(host)
    }
    this.#watch()
  }

  /** The hosts are others now. */
  members(): void {
    const now = this.#clock.now()
    this.#detector?.advance(now)
    this.#detector?.members(this.#hosts.all, now)
    this.#watch()
  }

  /** Before somebody is chosen: whose time is over is back. */
  advance(now: number): void {
    const detector = this.#detector
    if (detector !== undefined && detector.nextSweep <= now) detector.advance(now)
  }

  report(host: Host, result: LocalResult): void {
    const detector = this.#detector
    if (detector === undefined || (result === 'connected' && this.#settings?.split !== true)) return
    const now = this.#clock.now()
    this.advance(now)
    detector.local(host, result, now)
    if (this.#timer === undefined && detector.needsSweep) this.#watch()
  }

  reportStatus(host: Host, status: number): void {
    const detector = this.#detector
    if (detector === undefined) return
    const now = this.#clock.now()
    this.advance(now)
    detector.status(host, status, now)
    if (this.#timer === undefined && detector.needsSweep) this.#watch()
  }

  /** An active health check has passed. */
  healthCheckPassed(host: Host): void {
    if (host.ejected && this.#settings?.healthCheckReturns === true) this.#detector?.uneject(host, this.#clock.now())
  }

  // ── by hand ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes a host out for so many ms, whatever a detector says and however many are out. */
  hold(host: Host, ms: number): void {
    this.#held.hold(host, this.#clock.now() + ms)
    const before = host.held
    host.held = true
    if (before) this.#date(host)
    else this.#changed(host, true)
    this.#watch()
  }

  /** Takes a host back, whoever took it out. */
  release(host: Host): void {
    const now = this.#clock.now()
    if (this.#held.release(host)) {
      host.held = false
      this.#changed(host, false)
    }
    this.#detector?.uneject(host, now)
    this.#watch()
  }

  // ── to see ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  stats(): Record<string, number> {
    this.advance(this.#clock.now())
    return { 'outlier_detection.ejections_active': this.#detector?.ejectionsActive ?? 0, ...this.#detector?.stats }
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** A host that is out for two reasons comes back when the second is gone. */
  #changed(host: Host, out: boolean): void {
    this.#date(host)
    const now = this.#clock.now()
    this.#hosts.refresh(now)
    if (out || !(host.ejected || host.held)) this.#tell(host, out, host.ejectedUntil)
  }

  #date(host: Host): void {
    const held = host.held ? this.#held.until(host) : undefined
    const ejected = host.ejected ? this.#detector?.ejectedUntil(host) : undefined
    const until = Math.max(held ?? -Infinity, ejected ?? -Infinity)
    host.ejectedUntil = Number.isFinite(until) ? until : undefined
  }

  #watch(): void {
    const detector = this.#detector
    const due = Math.min(detector?.needsSweep === true ? detector.nextSweep : Infinity, this.#held.next)
    if (due === this.#timerDue && (this.#timer !== undefined || due === Infinity)) return
    this.#timer?.cancel()
    this.#timer = undefined
    this.#timerDue = due
    if (due === Infinity) return
    this.#timer = this.#clock.schedule(due - this.#clock.now(), () => {
      this.#timer = undefined
      this.#timerDue = Infinity
      const now = this.#clock.now()
      for (const host of this.#held.due(now)) {
        host.held = false
        this.#changed(host, false)
      }
      this.advance(now)
      this.#watch()
    })
  }
}
