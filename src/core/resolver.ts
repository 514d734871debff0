/** Where the addresses of a name come from. Kept apart from who is asked (traffic/upstream), so that DNS, files and registries are alike. */
import type { Signal } from './signal.ts'

export interface ResolvedAddress {
  /** IP address without port. */
  readonly address: string
  /** How long it may be used, ms; `undefined`: the resolver's own refresh interval. */
  readonly ttl?: number | undefined
}

export interface Resolver {
  /** Addresses of a host name. Rejects when the name cannot be resolved now; the caller keeps what it had. */
  resolve(hostname: string, options?: { signal?: Signal }): Promise<readonly ResolvedAddress[]>
}
