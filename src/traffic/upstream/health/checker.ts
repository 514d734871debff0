/**
 * Checks every host of a cluster at its intervals, and says who has changed. A host that comes new is out until it has passed once; those
 * that were there before checking began stay in until they fail. Nothing here keeps the process alive.
 */
import type { Clock, Timer } from '../../../base/time/clock.ts'
import { below, type Random } from '../../../base/time/random.ts'
import type { ConnectTarget, Transport } from '../../../core/transport.ts'
import type { Host } from '../host.ts'
import { type CheckResult, HostHealth } from './kernel.ts'
import { Probe } from './probe.ts'
import type { HealthSettings } from './settings.ts'

export interface HealthSurroundings {
  readonly clock: Clock
  readonly random: Random
  readonly transport: Transport
  target(host: Host): ConnectTarget
  /** A host has become healthy or unhealthy. */
  changed(host: Host): void
  /** A host that is healthy has passed again. */
  passed(host: Host): void
}

interface Checked {
  readonly health: HostHealth
  readonly probe: Probe
  timer: Timer | undefined
  settled: () => void
}

export class HealthChecker {
  readonly stats = {
    'health_check.attempt': 0,
    'health_check.success': 0,
    'health_check.failure': 0,
    'health_check.network_failure': 0,
  }
  readonly #around: HealthSurroundings
  readonly #hosts = new Map<Host, Checked>()
  #settings: HealthSettings

  constructor(settings: HealthSettings, around: HealthSurroundings) {
    this.#settings = settings
    this.#around = around
  }

  update(settings: HealthSettings): void {
    this.#settings = settings
    for (const { probe } of this.#hosts.values()) probe.update(settings)
  }

  /** The hosts there are now. `trusted`: new ones are in until they fail. Resolves when every new one was checked once. */
  members(hosts: readonly Host[], trusted = false): Promise<unknown> | undefined {
    const here = new Set(hosts)
    for (const [host, checked] of this.#hosts) {
      if (here.has(host)) continue
      this.#forget(checked)
      this.#hosts.delete(host)
      host.failing = false
    }
    const first: Promise<void>[] = []
    for (const host of hosts) if (!this.#hosts.has(host)) first.push(this.#watch(host, trusted))
    return first.length === 0 ? undefined : Promise.all(first)
  }

  #watch(host: Host, trusted: boolean): Promise<void> {
    const { clock, random, transport, target } = this.#around
    const health = new HostHealth(trusted)
    host.failing = !trusted
    const probe = new Probe(transport, () => target(host), clock, this.#settings)
    return new Promise(settled => {
      const checked: Checked = { health, probe, timer: undefined, settled }
      this.#hosts.set(host, checked)
      const wait = this.#settings.initialJitter
      if (wait > 0) checked.timer = clock.schedule(below(random, wait), () => this.#check(host, checked))
      else this.#check(host, checked)
    })
  }

  #check(host: Host, checked: Checked): void {
    this.stats['health_check.attempt']++
    checked.probe.ask(result => this.#took(host, checked, result))
  }

  #took(host: Host, checked: Checked, result: CheckResult): void {
    const { health } = checked
    const { stats } = this
    if (result === 'passed') stats['health_check.success']++
    else stats['health_check.failure']++
    if (result === 'no-answer') stats['health_check.network_failure']++
    const changed = health.record(result, this.#settings)
    host.failing = !health.healthy
    if (changed) {
      host.healthySince = undefined
      this.#around.changed(host)
    } else if (result === 'passed' && health.healthy) this.#around.passed(host)
    checked.settled()
    const { jitter } = this.#settings
    const wait = health.wait(changed, this.#settings) + (jitter > 0 ? below(this.#around.random, jitter) : 0)
    checked.timer = this.#around.clock.schedule(wait, () => this.#check(host, checked))
  }

  get healthy(): number {
    let healthy = 0
    for (const { health } of this.#hosts.values()) if (health.healthy) healthy++
    return healthy
  }

  #forget(checked: Checked): void {
    checked.timer?.cancel()
    checked.probe.close()
    checked.settled()
  }

  close(): void {
    for (const [host, checked] of this.#hosts) {
      this.#forget(checked)
      host.failing = false
    }
    this.#hosts.clear()
  }
}
