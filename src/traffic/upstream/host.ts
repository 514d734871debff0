/** An endpoint as balancers, detector and pools see it. One object for as long as its address is known, whatever lists it stands in. */
import type { Locality } from '../../envoy/index.ts'

export class Host {
  /** `ip:port`: what hashes and logs show. */
  readonly address: string
  labels: Record<string, string>
  locality: Locality | undefined
  priority: number
  weight: number
  /** What configuration or discovery says. */
  configured: 'healthy' | 'unhealthy' | 'degraded' = 'healthy'
  /** Taken out by the detector or by hand. */
  ejected = false
  /** When it may come back, ms of the clock; the next sweep after it does it. */
  ejectedUntil: number | undefined
  /** Requests attached to its connections. */
  active = 0

  constructor(address: string, labels: Record<string, string>, locality: Locality | undefined, priority: number, weight: number) {
    this.address = address
    this.labels = labels
    this.locality = locality
    this.priority = priority
    this.weight = weight
  }

  get healthy(): boolean {
    return !this.ejected && this.configured === 'healthy'
  }
}
