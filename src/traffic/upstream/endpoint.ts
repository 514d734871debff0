/** What Envoy's configuration says of one endpoint, in our words. */
import type { LbEndpoint } from '../../envoy/index.ts'
import type { Configured } from './host.ts'

/** `ip:port`, `[v6]:port`, or the path of a Unix socket. */
export function addressOf(lb: LbEndpoint): string | undefined {
  const { socketAddress, pipe } = lb.endpoint.address
  if (pipe !== undefined) return pipe.path
  if (socketAddress === undefined) return undefined
  const { address, portValue } = socketAddress
  return address.includes(':') ? `[${address}]:${portValue}` : `${address}:${portValue}`
}

/** Further addresses of the same endpoint, for when the first one does not connect. */
export function othersOf({ endpoint }: LbEndpoint): readonly string[] {
  const others = endpoint.additionalAddresses
  if (others === undefined) return NONE
  return others.map(({ address }) => addressOf({ endpoint: { address } })).filter(address => address !== undefined)
}

const NONE: readonly string[] = []

export function labelsOf(lb: LbEndpoint): Record<string, string> {
  return (lb.metadata?.filterMetadata?.['istio']?.labels ?? {}) as Record<string, string>
}

/** A draining endpoint takes no new requests, as an unhealthy one. */
export function configuredOf({ healthStatus }: LbEndpoint): Configured {
  if (healthStatus === 'UNHEALTHY' || healthStatus === 'DRAINING') return 'unhealthy'
  return healthStatus === 'DEGRADED' ? 'degraded' : 'healthy'
}
