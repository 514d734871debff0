/** The pools of a cluster: one for each host, and one more for each name under which TLS is spoken to it. All share the cluster's limits. */
import type { Clock } from '../../../base/time/clock.ts'
import type { Transport } from '../../../core/transport.ts'
import type { Cluster } from '../../../envoy/index.ts'
import type { Host } from '../host.ts'
import { type ConnectSettings, connectSettings, tlsSettings } from './connect-target.ts'
import { HostPool } from './host-pool.ts'
import { ClusterLimits } from './limits.ts'

/** Of a host whose names are brought by traffic (`https://tenant-7.shop.test`, under a wildcard) so many keep their connections. */
const MOST_NAMES = 1000

export class ClusterPools {
  readonly limits = new ClusterLimits()
  readonly #transport: Transport
  readonly #clock: Clock
  #settings: ConnectSettings
  #cut: Error | undefined
  /** By host; the pool without a name of its own is the one most ask for. */
  readonly #pools = new Map<Host, { plain: HostPool | undefined; named: Map<string, HostPool> | undefined }>()

  constructor(cluster: Cluster, transport: Transport, clock: Clock) {
    this.#transport = transport
    this.#clock = clock
    this.#settings = connectSettings(cluster)
    this.#limit(cluster)
  }

  /** New limits and settings hold at once; a new protocol or TLS for new connections. */
  update(cluster: Cluster): void {
    this.#settings = connectSettings(cluster)
    this.#limit(cluster)
    for (const pool of this.#all()) pool.update(this.#settings.pool)
  }

  #limit(cluster: Cluster): void {
    this.limits.update(cluster.circuitBreakers?.thresholds?.find(t => t.priority !== 'HIGH'))
  }

  get autoSni(): boolean {
    return this.#settings.autoSni
  }

  /** `name`: the request's own host, under https or where the rules leave the name of TLS to it. */
  of(host: Host, name: string | undefined): HostPool {
    let pools = this.#pools.get(host)
    if (pools === undefined) {
      pools = { plain: undefined, named: undefined }
      this.#pools.set(host, pools)
    }
    if (name === undefined) return (pools.plain ??= this.#make(host, undefined))
    pools.named ??= new Map()
    let pool = pools.named.get(name)
    if (pool === undefined) {
      if (pools.named.size >= MOST_NAMES) dropFirst(pools.named)
      pool = this.#make(host, name)
      pools.named.set(name, pool)
    }
    return pool
  }

  #make(host: Host, name: string | undefined): HostPool {
    const target = () => ({
      ...this.#settings.target,
      address: host.address,
      others: host.others,
      tls: tlsSettings(this.#settings.tls, name),
    })
    const pool = new HostPool(this.#transport, target, this.limits, this.#clock, this.#settings.pool)
    if (this.#cut !== undefined) pool.cut(this.#cut)
    return pool
  }

  /** Room was made: who waits may go on. */
  grow(): void {
    for (const pool of this.#all()) pool.raised()
  }

  /** Closes the pools of hosts that are gone. */
  keep(hosts: { get(address: string): Host | undefined }): void {
    for (const [host, { plain, named }] of this.#pools) {
      if (hosts.get(host.address) === host) continue
      plain?.close()
      for (const pool of named?.values() ?? []) pool.close()
      this.#pools.delete(host)
    }
  }

  *#all(): Iterable<HostPool> {
    for (const { plain, named } of this.#pools.values()) {
      if (plain !== undefined) yield plain
      if (named !== undefined) yield* named.values()
    }
  }

  /** Ends every request that still runs, and every one that comes. */
  cut(error: Error): void {
    this.#cut = error
    for (const pool of this.#all()) pool.cut(error)
  }

  close(): void {
    for (const pool of this.#all()) pool.close()
  }
}

/** The oldest goes: idle connections close, what runs or waits ends first. */
function dropFirst(named: Map<string, HostPool>): void {
  const [name, pool] = named.entries().next().value!
  named.delete(name)
  pool.close()
}
