/**
 * A cluster at work: its endpoints, balancer, detector, limits and pools, and the policies in front of them. It outlives the snapshot
 * that named it: a new configuration changes its settings and keeps its state.
 */
import { getHeader } from '../../base/formats/headers.ts'
import type { Clock, Timer } from '../../base/time/clock.ts'
import { parseDuration } from '../../base/time/duration.ts'
import type { Random } from '../../base/time/random.ts'
import type { Next } from '../../core/layer.ts'
import type { Resolver } from '../../core/resolver.ts'
import type { TlsSettings, Transport, WireResponse } from '../../core/transport.ts'
import type { Cluster, ClusterLoadAssignment, HttpProtocolOptions, LbEndpoint } from '../../envoy/index.ts'
import { watchName } from '../discovery/dns.ts'
import type { Host } from '../upstream/host.ts'
import { HostSet } from '../upstream/host-set.ts'
import { LoadBalancer } from '../upstream/load-balancer.ts'
import { type LocalResult, OutlierDetector } from '../upstream/outlier/detector.ts'
import { outlierSettings } from '../upstream/outlier/settings.ts'
import { HostPool } from '../upstream/pool/host-pool.ts'
import { ClusterLimits } from '../upstream/pool/limits.ts'
import type { RetryPriorities } from '../upstream/retry-priorities.ts'
import type { Guard, GuardLinker } from './guard.ts'
import { RouterStats } from './stats.ts'

export interface ClusterSurroundings {
  readonly clock: Clock
  readonly random: Random
  readonly transport: Transport
  readonly resolver: Resolver
  ejected(address: string, ejected: boolean, until: number | undefined): void
}

const HOUR = 3_600_000

export class ClusterRuntime {
  readonly name: string
  readonly stats = new RouterStats()
  readonly limits = new ClusterLimits()
  readonly clock: Clock
  /** Settles when the names of the cluster were looked up once; absent when nothing is awaited. */
  warming: Promise<void> | undefined
  #config: Cluster
  #text: string
  readonly #around: ClusterSurroundings
  readonly #hosts = new HostSet()
  readonly #balancer: LoadBalancer
  readonly #pools = new Map<string, HostPool>()
  #detector: OutlierDetector<Host> | undefined
  #sweep: Timer | undefined
  #stopDns: (() => void)[] = []
  #assignedText = ''
  #guard: Guard | undefined

  constructor(config: Cluster, around: ClusterSurroundings) {
    this.name = config.name
    this.clock = around.clock
    this.#around = around
    this.#config = config
    this.#text = JSON.stringify(config)
    this.#balancer = new LoadBalancer(this.#hosts, config, around.random, around.clock.now())
    this.#settings()
    if (config.loadAssignment !== undefined) this.assign(config.loadAssignment)
  }

  /** New settings; endpoints, ejections, connections and counters stay. */
  update(config: Cluster): void {
    const text = JSON.stringify(config)
    if (text === this.#text) return
    const before = this.#config
    this.#config = config
    this.#text = text
    this.#balancer.update(before, config, this.clock.now())
    this.#settings()
    for (const pool of this.#pools.values()) pool.update(this.#poolSettings())
  }

  #settings(): void {
    this.limits.update(this.#config.circuitBreakers?.thresholds?.find(t => t.priority !== 'HIGH'))
    const detection = this.#config.outlierDetection
    const now = this.clock.now()
    if (detection === undefined) {
      for (const host of this.#hosts.all) if (host.ejected) this.#detector?.uneject(host, now)
      this.#detector = undefined
      this.#sweep?.cancel()
      return
    }
    const settings = outlierSettings(detection)
    if (this.#detector !== undefined) return this.#detector.update(settings, now)
    this.#detector = new OutlierDetector<Host>(settings, now, this.#around.random, {
      ejected: (host, until) => {
        host.ejected = true
        host.ejectedUntil = until
        this.#hosts.refresh(this.clock.now())
        this.#around.ejected(host.address, true, until)
        this.#watch()
      },
      returned: host => {
        host.ejected = false
        host.ejectedUntil = undefined
        this.#hosts.refresh(this.clock.now())
        this.#around.ejected(host.address, false, undefined)
      },
    })
    this.#detector.members(this.#hosts.all)
  }

  /** Sweeps only while one would do something. */
  #watch(): void {
    const detector = this.#detector
    if (detector === undefined) return
    this.#sweep?.cancel()
    if (!detector.needsSweep) return
    this.#sweep = this.clock.schedule(detector.nextSweep - this.clock.now(), () => {
      detector.advance(this.clock.now())
      this.#watch()
    })
  }

  // ── endpoints ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes over endpoints; names among them are resolved. */
  assign(assignment: ClusterLoadAssignment): void {
    const text = JSON.stringify(assignment)
    if (text === this.#assignedText) return
    this.#assignedText = text
    for (const stop of this.#stopDns) stop()
    this.#stopDns = []
    const named = this.#config.type === 'STRICT_DNS' || this.#config.type === 'LOGICAL_DNS' ? namesOf(assignment) : []
    if (named.length === 0) return this.#take(assignment)
    const found = new Map<string, readonly string[]>()
    const known = new Map<string, readonly string[]>()
    const publish = () =>
      this.#take(resolved(assignment, name => found.get(name) ?? known.get(name) ?? [], this.#config.type === 'LOGICAL_DNS'))
    const first = named.map(
      name =>
        new Promise<void>(settled => {
          this.#stopDns.push(
            watchName(
              this.#around.resolver,
              name,
              {
                clock: this.clock,
                refresh: parseDuration(this.#config.dnsRefreshRate ?? '60s') ?? 60_000,
                respectTtl: this.#config.respectDnsTtl === true,
              },
              addresses => {
                found.set(
                  name,
                  addresses.map(a => a.address),
                )
                publish()
              },
              () => settled(),
            ),
          )
        }),
    )
    const warming = Promise.all(first).then(() => {
      if (this.warming === warming) this.warming = undefined
    })
    this.warming = warming
  }

  #take(assignment: ClusterLoadAssignment): void {
    this.#hosts.assign(assignment, this.clock.now())
    this.#detector?.members(this.#hosts.all)
    for (const [key, pool] of this.#pools) {
      if (this.#hosts.get(key.slice(0, key.indexOf(' '))) !== undefined) continue
      pool.close()
      this.#pools.delete(key)
    }
  }

  choose(hash: bigint | undefined, tried: readonly Host[] | undefined, retry: RetryPriorities | undefined): Host | undefined {
    const now = this.clock.now()
    this.#detector?.advance(now)
    return this.#balancer.choose(now, hash, tried, retry)
  }

  // ── connections ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The pool of a host. `name`: the request's own host under https, where the rules say nothing of TLS. */
  pool(host: Host, name?: string): HostPool {
    const key = `${host.address} ${name ?? ''}`
    let pool = this.#pools.get(key)
    if (pool === undefined) {
      pool = new HostPool(this.#around.transport, () => this.#target(host, name), this.limits, this.clock, this.#poolSettings())
      this.#pools.set(key, pool)
    }
    return pool
  }

  get #http(): HttpProtocolOptions | undefined {
    return this.#config.typedExtensionProtocolOptions?.['envoy.extensions.upstreams.http.v3.HttpProtocolOptions']
  }

  #poolSettings() {
    const common = this.#http?.commonHttpProtocolOptions
    const idle = common?.idleTimeout === undefined ? HOUR : (parseDuration(common.idleTimeout) ?? HOUR)
    return {
      idleTimeout: idle === 0 ? Infinity : idle,
      maxRequestsPerConnection: common?.maxRequestsPerConnection ?? 0,
      maxConnectionDuration: common?.maxConnectionDuration === undefined ? 0 : (parseDuration(common.maxConnectionDuration) ?? 0),
    }
  }

  #target(host: Host, name: string | undefined) {
    const keepAlive = this.#config.upstreamConnectionOptions?.tcpKeepalive
    const explicit = this.#http?.explicitHttpConfig
    return {
      address: host.address,
      protocol: explicit?.http2ProtocolOptions === undefined ? ('http1' as const) : ('http2' as const),
      connectTimeout: parseDuration(this.#config.connectTimeout ?? '10s') ?? 10_000,
      tls: this.#tls(name),
      keepAlive:
        keepAlive === undefined
          ? undefined
          : { time: keepAlive.keepaliveTime, interval: keepAlive.keepaliveInterval, probes: keepAlive.keepaliveProbes },
      maxConcurrentStreams: explicit?.http2ProtocolOptions?.maxConcurrentStreams,
    }
  }

  #tls(name: string | undefined): TlsSettings | undefined {
    const config = this.#config.transportSocket?.typedConfig
    if (config === undefined) return name === undefined ? undefined : { sni: name }
    const common = config.commonTlsContext
    const validation =
      common?.validationContext ??
      (common?.['combinedValidationContext'] as { defaultValidationContext?: NonNullable<typeof common>['validationContext'] } | undefined)
        ?.defaultValidationContext
    const certificate = common?.tlsCertificates?.[0]
    return {
      sni: config.sni ?? name,
      alpn: common?.alpnProtocols,
      ca: validation?.trustedCa?.filename,
      cert: certificate?.certificateChain?.filename,
      key: certificate?.privateKey?.filename,
      subjectAltNames: validation?.matchSubjectAltNames?.map(m => m.exact).filter(m => m !== undefined),
      insecureSkipVerify: validation === undefined || validation.trustChainVerification === 'ACCEPT_UNTRUSTED',
    }
  }

  // ── what happened ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

  report(host: Host, result: LocalResult): void {
    this.#detector?.local(host, result, this.clock.now())
  }

  reportResponse(host: Host, response: WireResponse): void {
    if (this.#detector === undefined) return
    let { status } = response
    if (status < 500 && getHeader(response.headers, 'content-type')?.startsWith('application/grpc'))
      status = GRPC_TO_HTTP[getHeader(response.headers, 'grpc-status') ?? ''] ?? status
    this.#detector.status(host, status, this.clock.now())
  }

  eject(address: string, forMs: number): void {
    const host = this.#hosts.get(address)
    if (host === undefined)
      throw new RangeError(`${this.name} has no endpoint ${address}; it has ${this.#hosts.all.map(h => h.address).join(', ') || 'none'}`)
    this.#detector ??= new OutlierDetector<Host>(
      { ...outlierSettings({ enforcingConsecutive5xx: 0 }) },
      this.clock.now(),
      this.#around.random,
      {
        ejected: h => {
          h.ejected = true
          this.#hosts.refresh(this.clock.now())
        },
        returned: h => {
          h.ejected = false
          this.#hosts.refresh(this.clock.now())
        },
      },
    )
    this.#detector.members(this.#hosts.all)
    this.#detector.eject(host, this.clock.now())
    if (forMs !== Infinity) this.clock.schedule(forMs, () => this.uneject(address))
  }

  uneject(address: string): void {
    const host = this.#hosts.get(address)
    if (host !== undefined) this.#detector?.uneject(host, this.clock.now())
  }

  // ── policies ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Puts policies in front; ones whose settings are the same keep what they counted. */
  guard(link: GuardLinker, innermost: Next): void {
    this.#guard = link(this.#guard, innermost, this.name)
  }

  get guarded(): Next | undefined {
    return this.#guard?.next
  }

  get fallback(): Guard['fallback'] {
    return this.#guard?.fallback
  }

  breaker(): NonNullable<Guard['breaker']> {
    const breaker = this.#guard?.breaker
    if (breaker === undefined) throw new RangeError(`${this.name} has no circuit breaker; a ResiliencePolicy gives it one`)
    return breaker
  }

  // ── to see ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  hosts(): {
    address: string
    labels: Record<string, string>
    locality: Host['locality']
    priority: number
    weight: number
    health: 'healthy' | 'ejected' | 'unhealthy'
    ejectedUntil?: number
    active: number
  }[] {
    return this.#hosts.all.map(host => ({
      address: host.address,
      labels: host.labels,
      locality: host.locality,
      priority: host.priority,
      weight: host.weight,
      health: host.ejected ? 'ejected' : host.configured === 'unhealthy' ? 'unhealthy' : 'healthy',
      ...(host.ejectedUntil === undefined ? {} : { ejectedUntil: host.ejectedUntil }),
      active: host.active,
    }))
  }

  allStats(): Record<string, number> {
    const healthy = this.#hosts.all.filter(h => h.healthy).length
    return {
      ...this.stats,
      ...this.limits.snapshot(),
      lb_healthy_panic: this.#balancer.panics,
      membership_total: this.#hosts.all.length,
      membership_healthy: healthy,
      ...this.#detector?.stats,
      'outlier_detection.ejections_active': this.#detector?.ejectionsActive ?? 0,
    } as Record<string, number>
  }

  limitsInUse(): Record<string, { limit: number; used: number }> {
    const { connections, pending, requests, retries } = this.limits
    return Object.fromEntries(
      Object.entries({ connections, pending, requests, retries }).map(([name, r]) => [name, { limit: r.max, used: r.used }]),
    )
  }

  policySnapshot(): Record<string, unknown> {
    return this.#guard === undefined ? {} : { [this.name]: this.#guard.snapshot() }
  }

  get busy(): boolean {
    return this.limits.requests.used > 0 || this.limits.pending.used > 0
  }

  close(): void {
    for (const stop of this.#stopDns) stop()
    this.#sweep?.cancel()
    for (const pool of this.#pools.values()) pool.close()
  }
}

const GRPC_TO_HTTP: Record<string, number> = { '0': 200, '2': 500, '4': 504, '13': 500, '14': 503, '15': 500 }

const IP = /^(\d+\.\d+\.\d+\.\d+|.*:.*)$/

function namesOf(assignment: ClusterLoadAssignment): string[] {
  const names = new Set<string>()
  for (const group of assignment.endpoints ?? [])
    for (const lb of group.lbEndpoints ?? []) {
      const address = lb.endpoint.address.socketAddress?.address
      if (address !== undefined && !IP.test(address)) names.add(address)
    }
  return [...names]
}

/** The assignment with every name replaced by its addresses (the first one only under LOGICAL_DNS). */
function resolved(assignment: ClusterLoadAssignment, addresses: (name: string) => readonly string[], one: boolean): ClusterLoadAssignment {
  const expand = (lb: LbEndpoint): LbEndpoint[] => {
    const socketAddress = lb.endpoint.address.socketAddress
    if (socketAddress === undefined || IP.test(socketAddress.address)) return [lb]
    const found = addresses(socketAddress.address)
    return (one ? found.slice(0, 1) : found).map(address => ({
      ...lb,
      endpoint: { ...lb.endpoint, address: { socketAddress: { ...socketAddress, address } } },
    }))
  }
  return {
    ...assignment,
    endpoints: (assignment.endpoints ?? []).map(group => ({ ...group, lbEndpoints: (group.lbEndpoints ?? []).flatMap(expand) })),
  }
}
