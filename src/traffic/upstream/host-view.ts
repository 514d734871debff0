/** What the outside sees of an endpoint. */
import type { Host } from './host.ts'

export interface HostView {
  address: string
  labels: Record<string, string>
  locality: Host['locality']
  priority: number
  weight: number
  health: 'healthy' | 'ejected' | 'unhealthy' | 'degraded'
  ejectedUntil?: number
  active: number
}

export function viewOf(host: Host): HostView {
  return {
    address: host.address,
    labels: host.labels,
    locality: host.locality,
    priority: host.priority,
    weight: host.weight,
    health: host.ejected || host.held ? 'ejected' : !host.usable ? 'unhealthy' : host.degraded ? 'degraded' : 'healthy',
    ...(host.ejectedUntil === undefined ? {} : { ejectedUntil: host.ejectedUntil }),
    active: host.active,
  }
}
