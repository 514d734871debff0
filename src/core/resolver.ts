/** Where the addresses of a name come from. Kept apart from who is asked (traffic/upstream), so that DNS, files and registries are alike. */
import type { Signal } from './signal.ts'

export interface ResolvedAddress {
  /** IP address without port. */
  readonly address: string
  /** How long it may be used, ms; `undefined`: the cluster's own refresh interval. */
  readonly ttl?: number | undefined
}

/**
 * Turns names into addresses. Give your own to `createMesh({ discovery: { resolver } })` when names live elsewhere than in DNS.
 * It is asked only for names that rules declare as endpoints.
 *
 * @example
 * const resolver = { resolve: async name => [{ address: '10.0.0.1', ttl: 5_000 }] }
 * const mesh = createMesh({ rules, discovery: { resolver } })
 */
export interface Resolver {
  /**
   * Addresses of a host name. An empty list says that the name has none now, and empties the cluster; a rejection says that nobody
   * knows, and the cluster keeps what it had. `signal` is aborted when nobody waits for the answer any more.
   */
  resolve(hostname: string, options?: { signal?: Signal }): Promise<readonly ResolvedAddress[]>
}
