/**
 * Whether a host is healthy by its checks, and when the next one is due. Envoy's rules: the first check decides alone; after it so many in a row it takes to
 * change, but an answer that says outright that the host is ill counts at once.
 */
import type { HealthSettings } from './settings.ts'

/** `refused`: an answer with a wrong status. `no-answer`: no connection, no answer in time, or an answer that may pass. */
export type CheckResult = 'passed' | 'refused' | 'no-answer'

export class HostHealth {
  healthy: boolean
  #first = true
  #passed = 0
  #failed = 0

  /** `healthy`: what is believed until the first check is over. */
  constructor(healthy: boolean) {
    this.healthy = healthy
  }

  /** Takes in a check. True: the host has changed. */
  record(result: CheckResult, settings: HealthSettings): boolean {
    const first = this.#first
    this.#first = false
    if (result === 'passed') {
      this.#failed = 0
      if (this.healthy) return false
      if (!first && ++this.#passed < settings.healthyThreshold) return false
      this.#passed = 0
      this.healthy = true
      return true
    }
    this.#passed = 0
    if (!this.healthy) return false
    if (result !== 'refused' && ++this.#failed < settings.unhealthyThreshold) return false
    this.#failed = 0
    this.healthy = false
    return true
  }

  /** ms until the next check. */
  wait(changed: boolean, settings: HealthSettings): number {
    if (this.healthy) return changed ? settings.healthyEdgeInterval : settings.interval
    return changed ? settings.unhealthyEdgeInterval : settings.unhealthyInterval
  }
}
