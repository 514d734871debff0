/** What stands behind an upstream for code: the same parts as behind a cluster of the mesh, only that its connections are places. */
import type { Clock } from '../../../base/time/clock.ts'
import type { Random } from '../../../base/time/random.ts'
import type { Call } from '../../../core/call.ts'
import { OptionsError } from '../../../core/errors.ts'
import { readOptions } from '../../../core/schema/index.ts'
import type { Transport } from '../../../core/transport.ts'
import type { Cluster } from '../../../envoy/index.ts'
import { ClusterHealth } from '../health/cluster-health.ts'
import type { Host } from '../host.ts'
import { HostSet } from '../host-set.ts'
import { viewOf } from '../host-view.ts'
import { LoadBalancer } from '../load-balancer.ts'
import { Ejections, type TellEjection } from '../outlier/ejections.ts'
import { ClusterPools } from '../pool/cluster-pools.ts'
import type { ClusterLimits } from '../pool/limits.ts'
import { Places, Stay } from '../pool/places.ts'
import { type Endpoint, entriesOf } from './endpoint.ts'
import { poolOf } from './options/connection-pool.ts'
import { type HealthCheckOptions, healthCheckFields, healthCheckOf } from './options/health-check.ts'
import { balancingOf } from './options/load-balancer.ts'
import { detectionOf } from './options/outlier-detector.ts'
import type { UpstreamEndpoint, UpstreamOptions } from './options/upstream.ts'

interface Surroundings {
  readonly clock: Clock
  readonly random: Random
  readonly transport: Transport | undefined
  readonly tell: TellEjection
}

/** What the options say, in Envoy's words. */
interface Read {
  readonly cluster: Cluster
  readonly errorCodes: readonly number[] | undefined
  readonly warnings: readonly string[]
}

export class CodeCluster {
  readonly hosts = new HostSet()
  readonly balancer: LoadBalancer
  readonly ejections: Ejections
  readonly #health: ClusterHealth
  readonly #pools: ClusterPools
  readonly #places = new Places()
  readonly #clock: Clock
  readonly #name: string
  readonly #transport: Transport | undefined
  #endpoints = new Map<string, Endpoint>()
  #read: Read

  constructor(options: UpstreamOptions, name: string, { clock, random, transport, tell }: Surroundings) {
    this.#clock = clock
    this.#name = name
    this.#transport = transport
    this.#read = this.#understand(options)
    const { cluster } = this.#read
    this.ejections = new Ejections(this.hosts, clock, random, tell)
    this.#pools = new ClusterPools(cluster, this.#places, clock)
    this.#health = new ClusterHealth(cluster, this.hosts, this.ejections, { clock, random, transport: transport ?? this.#places })
    this.ejections.configure(cluster.outlierDetection)
    this.balancer = new LoadBalancer(this.hosts, cluster, random, clock.now())
    this.setEndpoints(options.endpoints)
  }

  #understand({ loadBalancer = {}, outlierDetection, connectionPool = {}, healthChecks }: UpstreamOptions): Read {
    const what = this.#name === '' ? 'upstream' : `upstream ${this.#name}`
    const balancing = balancingOf(loadBalancer, `${what}: loadBalancer`)
    const { circuitBreakers, warnings } = poolOf(connectionPool, `${what}: connectionPool`)
    const outlier = outlierDetection === undefined ? undefined : detectionOf(outlierDetection, `${what}: outlierDetection`)
    if (healthChecks?.length && this.#transport === undefined)
      throw new OptionsError(`${what}: healthChecks: nothing to check with; give { transport: nodeTransport() } as second argument`)
    const panic = outlier?.minHealthPercent ?? 0
    const cluster: Cluster = {
      ...balancing,
      name: this.#name,
      circuitBreakers,
      commonLbConfig: { healthyPanicThreshold: panic === 0 ? {} : { value: panic } },
      // The places of code never grow idle or old.
      typedExtensionProtocolOptions: {
        'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': { commonHttpProtocolOptions: { idleTimeout: '0s' } },
      },
      ...(outlier === undefined ? {} : { outlierDetection: outlier.detection }),
      ...(healthChecks === undefined ? {} : { healthChecks: healthChecks.map(check => readCheck(check, `${what}: healthChecks`)) }),
    }
    return { cluster, errorCodes: outlier?.errorCodes, warnings }
  }

  get warnings(): readonly string[] {
    return this.#read.warnings
  }

  get limits(): ClusterLimits {
    return this.#pools.limits
  }

  get warming(): Promise<unknown> | undefined {
    return this.#health.warming
  }

  update(options: UpstreamOptions): void {
    const before = this.#read.cluster
    this.#read = this.#understand(options)
    const { cluster } = this.#read
    this.balancer.update(before, cluster, this.#clock.now())
    this.ejections.configure(cluster.outlierDetection)
    this.#health.update(cluster)
    this.#pools.update(cluster)
    this.#places.open()
  }

  setEndpoints(endpoints: readonly Endpoint[]): void {
    const entries = entriesOf(endpoints, this.#name === '' ? 'upstream' : `upstream ${this.#name}`)
    this.#endpoints = new Map(entries.map((entry, i) => [entry.address, textual(endpoints[i]!)]))
    this.hosts.put(entries, this.#clock.now())
    this.ejections.members()
    this.#health.members()
    this.#pools.keep(this.hosts)
    this.#places.open()
  }

  endpointOf(host: Host): Endpoint {
    return this.#endpoints.get(host.address)!
  }

  /** The hosts that earlier tries of a call went to. */
  triedBy({ tried }: Call): readonly Host[] | undefined {
    if (tried === undefined) return undefined
    return tried.flatMap(endpoint => this.hosts.get((endpoint as Endpoint).address) ?? [])
  }

  stayAt(host: Host): Stay {
    return new Stay(this.#pools.of(host, undefined), this.#places)
  }

  /** A call has ended: what it held may serve a call that waits at another endpoint. */
  freed(): void {
    if (this.limits.pending.used === 0) return
    this.#pools.grow()
    this.#places.open()
  }

  /** A status as the detector shall count it. */
  counted(status: number): number {
    const { errorCodes } = this.#read
    return errorCodes === undefined ? status : errorCodes.includes(status) ? Math.max(500, status) : 200
  }

  eject(address: string, ms: number): void {
    this.ejections.hold(this.#known(address), ms)
  }

  uneject(address: string): void {
    this.ejections.release(this.#known(address))
  }

  #known(address: string): Host {
    const host = this.hosts.get(address)
    if (host === undefined)
      throw new RangeError(`no endpoint ${address}; known: ${this.hosts.all.map(h => h.address).join(', ') || 'none'}`)
    return host
  }

  snapshot(): { endpoints: UpstreamEndpoint[]; stats: Record<string, number> } {
    this.ejections.advance(this.#clock.now())
    return {
      endpoints: this.hosts.all.map(viewOf),
      stats: {
        ...this.limits.snapshot(),
        ...this.ejections.stats(),
        ...this.#health.stats(),
        lb_healthy_panic: this.balancer.panics,
        membership_total: this.hosts.all.length,
        membership_healthy: this.hosts.all.filter(h => h.healthy).length,
      },
    }
  }

  close(): void {
    this.#health.close()
    this.ejections.close()
    this.#pools.close()
  }
}

const readCheck = (check: HealthCheckOptions, what: string) => healthCheckOf(readOptions(healthCheckFields, check, what))

/** A frozen copy that reads as its address in a text. */
function textual(endpoint: Endpoint): Endpoint {
  return Object.freeze(Object.defineProperty({ ...endpoint }, 'toString', { value: () => endpoint.address }))
}
