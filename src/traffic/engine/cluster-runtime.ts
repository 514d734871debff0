/**
 * A cluster at work: its endpoints and who finds them, who is chosen, who is out, the connections, and the policies in front. It outlives
 * the snapshot that named it: a new configuration changes its settings and keeps its state.
 */
import type { Clock } from '../../base/time/clock.ts'
import type { Random } from '../../base/time/random.ts'
import type { Next } from '../../core/next.ts'
import type { Resolver } from '../../core/resolver.ts'
import type { Transport, WireResponse } from '../../core/transport.ts'
import type { Trust } from '../../core/trust.ts'
import type { Cluster, ClusterLoadAssignment } from '../../envoy/index.ts'
import { NamedEndpoints } from '../discovery/named-endpoints.ts'
import { ClusterHealth } from '../upstream/health/cluster-health.ts'
import type { Configured, Host } from '../upstream/host.ts'
import { HostSet } from '../upstream/host-set.ts'
import { type HostView, viewOf } from '../upstream/host-view.ts'
import { LoadBalancer } from '../upstream/load-balancer.ts'
import type { LocalResult } from '../upstream/outlier/detector.ts'
import { Ejections } from '../upstream/outlier/ejections.ts'
import { countedStatus, errorMatcherOf, type IsError } from '../upstream/outlier/response-status.ts'
import { ClusterPools } from '../upstream/pool/cluster-pools.ts'
import type { HostPool } from '../upstream/pool/host-pool.ts'
import type { ClusterLimits } from '../upstream/pool/limits.ts'
import { trustOf } from '../upstream/reach.ts'
import type { RetryPriorities } from '../upstream/retry-priorities.ts'
import type { Guard, GuardLinker, Guards } from './guard.ts'
import { RouterStats } from './stats.ts'

export interface ClusterSurroundings {
  readonly clock: Clock
  readonly random: Random
  readonly transport: Transport
  readonly resolver: Resolver
  ejected(address: string, ejected: boolean, until: number | undefined): void
}

export class ClusterRuntime {
  readonly name: string
  readonly stats = new RouterStats()
  readonly clock: Clock
  /** What bounds the addresses that the documents behind it may lead to. */
  trust: Trust | undefined
  #config: Cluster
  #text: string
  #assignedText = ''
  readonly #hosts = new HostSet()
  readonly #names: NamedEndpoints
  readonly #balancer: LoadBalancer
  readonly #ejections: Ejections
  readonly #health: ClusterHealth
  readonly #pools: ClusterPools
  #isError: IsError | undefined
  #guards: Guards | undefined
  #guardedAs = ''

  constructor(config: Cluster, around: ClusterSurroundings) {
    const { clock, random, transport } = around
    this.name = config.name
    this.clock = clock
    this.#config = config
    this.trust = trustOf(config.metadata)
    this.#text = JSON.stringify(config)
    this.#balancer = new LoadBalancer(this.#hosts, config, random, clock.now())
    this.#pools = new ClusterPools(config, transport, clock)
    this.#ejections = new Ejections(this.#hosts, clock, random, (host, out, until) => around.ejected(host.address, out, until))
    this.#health = new ClusterHealth(config, this.#hosts, this.#ejections, around)
    this.#names = new NamedEndpoints(config, around, assignment => this.#take(assignment))
    this.#ejections.configure(config.outlierDetection)
    this.#isError = errorMatcherOf(config)
    if (config.loadAssignment !== undefined) this.assign(config.loadAssignment)
  }

  /** New settings; endpoints, ejections, connections and counters stay. */
  update(config: Cluster): void {
    const text = JSON.stringify(config)
    if (text === this.#text) return
    const before = this.#config
    this.#config = config
    this.trust = trustOf(config.metadata)
    this.#text = text
    this.#balancer.update(before, config, this.clock.now())
    this.#pools.update(config)
    this.#ejections.configure(config.outlierDetection)
    this.#health.update(config)
    this.#names.update(config)
    this.#isError = errorMatcherOf(config)
  }

  // ── endpoints ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Settles when names were looked up and hosts checked once; absent when nothing is awaited. */
  get warming(): Promise<unknown> | undefined {
    const names = this.#names.warming
    return names === undefined ? this.#health.warming : names.then(() => this.#health.warming)
  }

  /** Takes over endpoints; names among them are resolved. */
  assign(assignment: ClusterLoadAssignment): void {
    const text = JSON.stringify(assignment)
    if (text === this.#assignedText) return
    this.#assignedText = text
    this.#names.assign(assignment)
  }

  /** Why there is no endpoint, when rules may not lead to those that were found. */
  get leftOut(): Error | undefined {
    return this.#hosts.all.length === 0 ? this.#names.leftOut : undefined
  }

  #take(assignment: ClusterLoadAssignment): void {
    this.#hosts.assign(assignment, this.clock.now())
    this.#ejections.members()
    this.#health.members()
    this.#pools.keep(this.#hosts)
  }

  /** Its settings, when its requests go where they want to (ORIGINAL_DST) and nobody has given it endpoints. */
  get original(): Cluster | undefined {
    return this.#config.type === 'ORIGINAL_DST' && this.#hosts.all.length === 0 ? this.#config : undefined
  }

  /** Whether endpoints are chosen by hash. */
  get hashes(): boolean {
    return this.#balancer.hashes
  }

  choose(now: number, hash: bigint | undefined, tried: readonly Host[] | undefined, retry: RetryPriorities | undefined): Host | undefined {
    this.#ejections.advance(now)
    return this.#balancer.choose(now, hash, tried, retry)
  }

  // ── connections ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  get limits(): ClusterLimits {
    return this.#pools.limits
  }

  /** The rules want TLS and leave its name to the request. */
  get autoSni(): boolean {
    return this.#pools.autoSni
  }

  /** The pool of a host. `name`: the request's own host, under https or where the rules leave the name of TLS to it. */
  pool(host: Host, name?: string): HostPool {
    return this.#pools.of(host, name)
  }

  get busy(): boolean {
    return this.limits.requests.used > 0 || this.limits.pending.used > 0
  }

  // ── what happened ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

  report(host: Host, result: LocalResult): void {
    this.#ejections.report(host, result)
  }

  /** `grpc`: the request was one. */
  reportResponse(host: Host, response: WireResponse, grpc: boolean): void {
    this.#ejections.reportStatus(host, countedStatus(response, grpc, this.#isError))
  }

  /** Takes an endpoint out by hand; `Infinity`: until `uneject`. */
  eject(address: string, forMs: number): void {
    this.#ejections.hold(this.#known(address), forMs)
  }

  /** Takes it back, whoever took it out. */
  uneject(address: string): void {
    this.#ejections.release(this.#known(address))
  }

  #known(address: string): Host {
    const host = this.#hosts.get(address)
    if (host !== undefined) return host
    const known = this.#hosts.all.map(h => h.address).join(', ')
    throw new RangeError(`${this.name} has no endpoint ${address}; it has ${known || 'none'}`)
  }

  // ── policies ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Puts policies in front; ones whose settings are the same keep what they counted. `known`: under which name. */
  guard(link: GuardLinker, innermost: Next, known = this.name): void {
    this.#guardedAs = known
    this.#guards = link(this.#guards, innermost, known)
  }

  /** What stands in front of it for a route that names policies of its own, or for any other. */
  guardOf(route: string | undefined): Guard | undefined {
    const guards = this.#guards
    if (guards === undefined) return undefined
    return (route === undefined ? undefined : guards.routes.get(route)) ?? guards.own
  }

  /** `route`: the one that stands there for a route that names policies of its own. */
  breaker(route?: string): NonNullable<Guard['breaker']> {
    const breaker = this.guardOf(route)?.breaker
    if (breaker === undefined) throw new RangeError(`${this.name} has no circuit breaker; a ResiliencePolicy gives it one`)
    return breaker
  }

  // ── to see ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  hosts(): HostView[] {
    this.#ejections.advance(this.clock.now())
    return this.#hosts.all.map(viewOf)
  }

  /** What rules or code say of an endpoint's health, whatever was found out about it. */
  configuredHealth(address: string): Configured {
    return this.#known(address).configured
  }

  /** Counters and gauges under Envoy's names. */
  allStats(): Record<string, number> {
    const outlier = this.#ejections.stats()
    const { all } = this.#hosts
    return {
      ...(this.stats as unknown as Record<string, number>),
      ...this.limits.snapshot(),
      ...outlier,
      ...this.#health.stats(),
      lb_healthy_panic: this.#balancer.panics,
      membership_total: all.length,
      membership_healthy: all.filter(h => h.healthy).length,
      membership_degraded: all.filter(h => h.degraded).length,
      membership_change: this.#hosts.changes,
    }
  }

  limitsInUse(): Record<string, { limit: number; used: number }> {
    const { connections, pending, requests, retries, mostRetries } = this.limits
    const use = (r: { max: number; used: number }) => ({ limit: r.max, used: r.used })
    return {
      connections: use(connections),
      pending: use(pending),
      requests: use(requests),
      retries: { limit: mostRetries, used: retries.used },
    }
  }

  policySnapshot(): Record<string, unknown> {
    const all: Record<string, unknown> = {}
    if (this.#guards?.own !== undefined) all[this.#guardedAs] = this.#guards.own.snapshot()
    for (const [route, guard] of this.#guards?.routes ?? []) all[`${this.#guardedAs} of route ${route}`] = guard.snapshot()
    return all
  }

  /** Ends every request that still runs, and every one that comes. */
  cut(error: Error): void {
    this.#pools.cut(error)
  }

  close(): void {
    this.#names.close()
    this.#health.close()
    this.#ejections.close()
    this.#pools.close()
  }
}
