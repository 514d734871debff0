/** An endpoint as balancers, detector and pools see it. One object for as long as its address is known, whatever lists it stands in. */
import type { Locality } from '../../envoy/index.ts'

export type Configured = 'healthy' | 'unhealthy' | 'degraded'

export class Host {
  /** `ip:port`: what hashes and logs show. */
  readonly address: string
  /** Where else it can be reached; pools, limits and hashes know only `address`. */
  others: readonly string[] | undefined
  labels: Record<string, string>
  locality: Locality | undefined
  priority: number
  weight: number
  /** What configuration or discovery says. */
  configured: Configured = 'healthy'
  /** Taken out by the outlier detector. */
  ejected = false
  /** Taken out by hand. */
  held = false
  /** Fails its active health checks. */
  failing = false
  /** When it may come back, ms of the clock; `undefined`: it is in, or out until further notice. */
  ejectedUntil: number | undefined
  /** Since when it is taken for healthy, ms of the clock: slow start begins there. */
  healthySince: number | undefined
  /** Requests attached to its connections. */
  active = 0

  constructor(address: string, labels: Record<string, string>, locality: Locality | undefined, priority: number, weight: number) {
    this.address = address
    this.labels = labels
    this.locality = locality
    this.priority = priority
    this.weight = weight
  }

  get usable(): boolean {
    return !this.ejected && !this.held && !this.failing && this.configured !== 'unhealthy'
  }

  get healthy(): boolean {
    return this.usable && this.configured === 'healthy'
  }

  /** Works, but others shall be asked first. */
  get degraded(): boolean {
    return this.usable && this.configured === 'degraded'
  }
}
