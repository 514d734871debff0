/** The data wing's state at one moment: the linked configuration and the clusters at work. A swap replaces the table; clusters live on. */
import type { Clock } from '../../base/time/clock.ts'
import type { Random } from '../../base/time/random.ts'
import type { Trust } from '../../core/trust.ts'
import type { Cluster } from '../../envoy/index.ts'
import type { RouteTable } from '../routing/route-table.ts'
import type { ClusterRuntime } from './cluster-runtime.ts'
import type { ListenerStats } from './stats.ts'

export interface Engine {
  readonly clock: Clock
  readonly random: Random
  readonly table: RouteTable
  readonly clusters: ReadonlyMap<string, ClusterRuntime>
  readonly stats: ListenerStats
  /** How many requests are on their way, bodies included; a swap keeps the same count. */
  readonly load: { open: number }
  /** Whether a host that no rule names may be called. */
  readonly allowAny: boolean
  /** The kill switch of fault injection. */
  readonly faults: boolean
  /** Whether x-envoy-* headers of the application (retry-on, timeouts …) are obeyed; Istio's listeners obey none. */
  readonly requestOverrides: boolean
  /** What source-IP hashing sees of the caller. */
  readonly clientAddress: string
  /** ms after which a response body that nobody reads, or that does not end, gives its connection back. */
  readonly abandonedBodyTimeout: number
  /** Bytes of a request body that are kept for another try; a larger body is sent once. */
  readonly retryBufferLimit: number
  /**
   * The cluster of a host that only traffic brings. `of`: the settings of the cluster that lets requests go where they want to; absent:
   * no rule's. `trust`: what bounds its addresses.
   */
  passthrough(scheme: 'http' | 'https', authority: string, port: number, of?: Cluster, trust?: Trust): ClusterRuntime
}
