/** In which order, and which at all, the addresses of a name are used: Envoy's dns_lookup_family. */
import type { ResolvedAddress } from '../../core/resolver.ts'
import type { Cluster } from '../../envoy/index.ts'

const isV6 = (entry: ResolvedAddress) => entry.address.includes(':')

/**
 * Where both families may be used they alternate, IPv6 first (RFC 8305), so that the second attempt takes the other road. A family that
 * alone is wanted but not found is no reason to have nobody: a proxy is told which families its host has, a process is not.
 */
export function orderByFamily(
  addresses: readonly ResolvedAddress[],
  family: Cluster['dnsLookupFamily'] = 'AUTO',
): readonly ResolvedAddress[] {
  const v6 = addresses.filter(isV6)
  const v4 = addresses.filter(entry => !isV6(entry))
  if (v6.length === 0 || v4.length === 0) return addresses
  switch (family) {
    case 'V4_ONLY':
    case 'V4_PREFERRED':
      return v4
    case 'V6_ONLY':
    case 'AUTO':
      return v6
    default:
      return alternate(v6, v4)
  }
}

function alternate(first: readonly ResolvedAddress[], second: readonly ResolvedAddress[]): ResolvedAddress[] {
  const out: ResolvedAddress[] = []
  for (let i = 0; i < Math.max(first.length, second.length); i++) {
    if (first[i] !== undefined) out.push(first[i]!)
    if (second[i] !== undefined) out.push(second[i]!)
  }
  return out
}
