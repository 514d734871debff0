/**
 * Joins the wings: rules become Envoy configuration, configuration becomes a snapshot that calls run on, and the state of clusters lives
 * beside it. A call keeps the snapshot it began with.
 */
import { waitFor } from '../base/time/wait-for.ts'
import { OptionsError } from '../core/errors.ts'
import { report } from '../core/events.ts'
import { readOptions } from '../core/schema/index.ts'
import type { Transport } from '../core/transport.ts'
import type { Cluster } from '../envoy/index.ts'
import type { Diagnostic } from '../rules/istio/diagnostic.ts'
import { callerOf } from '../rules/istio/select-documents.ts'
import { ClusterRuntime } from '../traffic/engine/cluster-runtime.ts'
import type { Engine } from '../traffic/engine/engine.ts'
import type { MeshReply, MeshRequest } from '../traffic/engine/exchange.ts'
import { execute } from '../traffic/engine/executor.ts'
import { PASSTHROUGH } from '../traffic/engine/forwarded.ts'
import type { GuardBreaker, GuardLinker } from '../traffic/engine/guard.ts'
import { guardedTry } from '../traffic/engine/guarded-try.ts'
import { ListenerStats } from '../traffic/engine/stats.ts'
import type { RouteTable } from '../traffic/routing/route-table.ts'
import { Announcer } from './announcer.ts'
import { ClusterStates } from './cluster-states.ts'
import { type ClusterPlan, NOTHING } from './compile.ts'
import { DynamicHosts } from './dynamic-hosts.ts'
import { assignmentOf, endpointsIn, localityText } from './endpoints.ts'
import { meshEvents } from './events.ts'
import { type GuardSurroundings, guardLinker } from './guard.ts'
import { LiveRules } from './live-rules.ts'
import {
  type Applied,
  type CloseOptions,
  closeFields,
  type EjectOptions,
  type EndpointInput,
  ejectFields,
  type MeshOptions,
  type ReadyOptions,
  readyFields,
} from './options.ts'
import type { ClusterResilience } from './resilience.ts'
import { RouteBreakers } from './route-breakers.ts'
import { RuleError } from './rule-error.ts'
import { APPLY } from './rule-set.ts'
import { readSettings, type Settings } from './settings.ts'
import { SharedCaches } from './shared-caches.ts'
import { SourceFeed, type SourceStatus } from './source-feed.ts'
import { transportLimits } from './transport-limits.ts'

/** How often a closing mesh looks whether its calls have ended, ms. */
const DRAIN_CHECK = 20

export class MeshCore {
  readonly settings: Settings
  readonly events = meshEvents()
  readonly stats = new ListenerStats()
  readonly #announcer = new Announcer(this.events)
  readonly rules: LiveRules
  readonly #transport: Transport
  readonly #states: ClusterStates
  readonly #routeBreakers: RouteBreakers
  readonly #unnamedCaches: SharedCaches
  readonly #dynamic: DynamicHosts
  readonly #feed: SourceFeed
  readonly #attached: { close(): Promise<void> }[] = []
  #engine: Engine
  #closed: Promise<void> | undefined
  /** Calls on their way, bodies included. */
  readonly #load = { open: 0 }

  /** @throws RuleError for wrong initial rules, OptionsError for wrong options. */
  constructor(options: MeshOptions, transport: Transport) {
    this.settings = readSettings(options)
    this.#transport = transport
    this.#routeBreakers = new RouteBreakers(this.settings.clock)
    this.#unnamedCaches = new SharedCaches(this.settings.clock)
    const { clock, sources } = this.settings
    const caller = callerOf(this.settings.workload, this.settings.meshConfig)
    this.#states = new ClusterStates({
      clock,
      place: (name, endpoints, placement) => assignmentOf(name, endpoints, placement, caller),
      make: ({ name }, config) => this.#runtime(name, config),
      guard: (runtime, plan, trial) =>
        runtime.guard(this.#linker(plan.resilience, trial ? new RouteBreakers(clock) : this.#routeBreakers), guardedTry),
    })
    this.#dynamic = new DynamicHosts(
      this.settings.dynamicHosts,
      (name, cluster) => {
        const runtime = this.#runtime(name, cluster)
        if (runtime.name === PASSTHROUGH) this.#guardUnnamed(name, runtime) // others have the policies of the cluster that named them
        return runtime
      },
      (name, runtime) => this.#states.retire(name, runtime),
    )
    this.#engine = this.#link(NOTHING.table)
    this.rules = new LiveRules(this.settings, this.events, this.#states, compiled => {
      this.#engine = this.#link(compiled.table)
      this.#dynamic.follow(name => compiled.clusters.get(name)?.config)
      this.#unnamedCaches.renew()
      for (const [name, runtime] of this.#dynamic.all) if (runtime.name === PASSTHROUGH) this.#guardUnnamed(name, runtime, compiled)
      this.#routeBreakers.keep(breakerKeys(compiled.clusters.values()))
    })
    this.rules.begin(options.rules ?? [])
    this.#announcer.announce(this.diagnostics)
    this.#feed = new SourceFeed(
      sources,
      {
        take: async (source, sets) => {
          const result = await this.rules.deliver(source, sets)
          this.#announce(result)
          if (!result.accepted) {
            this.#announcer.refused(source.name, result.errors)
            throw new RuleError([...result.errors, ...result.warnings])
          }
          return { version: result.version, documents: this.rules.sets.get(source.name)!.documents.length }
        },
        failed: (source, error) => {
          this.events.emit('sourceError', { source: source.name, error, at: clock.wall() })
          this.#announcer.failed(source.name, error)
        },
      },
      clock,
    )
    this.#feed.start()
  }

  /** What was said about the set in force, and about the mesh itself. */
  get diagnostics(): readonly Diagnostic[] {
    const ofTransport = transportLimits(this.#transport, this.rules.compiled.config.clusters)
    if (!this.settings.besideSidecar && ofTransport.length === 0) return this.rules.diagnostics
    return [...(this.settings.besideSidecar ? [BESIDE_SIDECAR] : []), ...this.rules.diagnostics, ...ofTransport]
  }

  /** The result of a change, whose warnings are printed when nobody listens. */
  async announced(change: Promise<Applied<Diagnostic>>): Promise<Applied<Diagnostic>> {
    const result = await change
    this.#announce(result)
    return result
  }

  #announce(result: Applied<Diagnostic>): void {
    if (!result.accepted) return
    this.#announcer.announce(result.warnings, this.events.hears('applied'))
    this.#announcer.announce(transportLimits(this.#transport, this.rules.compiled.config.clusters))
  }

  get engine(): Engine {
    return this.#engine
  }

  get clusters(): ReadonlyMap<string, ClusterRuntime> {
    return this.#states.named
  }

  get dynamicHosts(): ReadonlyMap<string, ClusterRuntime> {
    return this.#dynamic.all
  }

  get sources(): SourceStatus[] {
    const { version, sets } = this.rules
    return [{ name: APPLY, version, documents: sets.get(APPLY)!.documents.length, state: 'ok' }, ...this.#feed.status]
  }

  get mode(): Settings['mode'] {
    return this.#closed === undefined ? this.settings.mode : 'off'
  }

  handle(request: MeshRequest): Promise<MeshReply> {
    return execute(this.#engine, request)
  }

  async ready(options?: ReadyOptions): Promise<void> {
    const { timeout } = readOptions(readyFields, options, 'mesh.ready')
    const all = this.#feed.delivered().then(async () => {
      await Promise.allSettled([...this.clusters.values()].map(c => c.warming))
    })
    if (timeout === undefined) return waitFor(all, this.settings.clock)
    await new Promise<void>((resolve, reject) => {
      const timer = this.settings.clock.schedule(timeout, () => reject(this.#late(timeout)), { keepAlive: true })
      all.finally(() => timer.cancel()).then(resolve, reject)
    })
  }

  #late(timeout: number): Error {
    const sources = this.#feed.status.filter(s => s.state === 'waiting').map(s => s.name)
    const clusters = [...this.clusters.values()].filter(c => c.warming !== undefined).map(c => c.name)
    const missing = [...sources.map(name => `source ${name}`), ...clusters.map(name => `names of ${name}`)]
    return new Error(`the mesh was not ready within ${timeout} ms; waiting for ${missing.slice(0, 5).join(', ') || 'its rules'}`)
  }

  #linker(resilience: ClusterResilience | undefined, breakers: RouteBreakers, cache?: GuardSurroundings['cache']): GuardLinker {
    const { clock, random } = this.settings
    const transition = (cluster: string, e: { from: string; to: string; cause: string; at: number }) =>
      this.events.emit('transition', { cluster, ...e })
    return guardLinker(resilience, { clock, random, breakers, transition, cache })
  }

  /** A host that only traffic brings has the policies of "*", and of wildcards that fit. */
  #guardUnnamed(name: string, runtime: ClusterRuntime, { policies } = this.rules.compiled): void {
    const [, , host = '', port] = name.split('|')
    const link = this.#linker(policies.ofUnnamed(host, Number(port)), this.#routeBreakers, settings => this.#unnamedCaches.get(settings))
    runtime.guard(link, guardedTry, name)
  }

  #runtime(name: string, cluster: Cluster): ClusterRuntime {
    const { clock, random, resolver } = this.settings
    return new ClusterRuntime(cluster, {
      clock,
      random,
      transport: this.#transport,
      resolver,
      ejected: (address, ejected, until) =>
        this.events.emit(ejected ? 'ejection' : 'unejection', { cluster: name, endpoint: address, until, at: clock.wall() }),
    })
  }

  #link(table: RouteTable): Engine {
    const { clock, random, meshConfig, faults, requestOverrides, abandonedBodyTimeout, retryBufferLimit } = this.settings
    return {
      clock,
      random,
      table,
      clusters: this.#states.named,
      stats: this.stats,
      load: this.#load,
      allowAny: meshConfig.outboundTrafficPolicy?.mode !== 'REGISTRY_ONLY',
      faults,
      requestOverrides,
      clientAddress: '127.0.0.1',
      abandonedBodyTimeout,
      retryBufferLimit,
      passthrough: (scheme, authority, port, of, trust) => this.#dynamic.get(scheme, authority, port, of, trust),
    }
  }

  /** A cluster by its Envoy name, or by `host|subset|port`. */
  cluster(key: string): ClusterRuntime {
    if (typeof key !== 'string')
      throw new OptionsError(`the key of a cluster: ${String(key)} is not a text such as "reviews.default.svc.cluster.local|v1|9080"`)
    const [host = '', subset = '', port = ''] = key.split('|')
    const found = this.clusters.get(key) ?? this.clusters.get(`outbound|${port}|${subset}|${host}`) ?? this.dynamicHosts.get(key)
    if (found !== undefined) return found
    throw new RangeError(`no cluster ${JSON.stringify(key)}; known: ${[...this.clusters.keys()].slice(0, 20).join(', ') || 'none'}`)
  }

  /** The breaker of a cluster, or of a route: by the key that `snapshot().policies` has, or the route's `virtual host|name`. */
  breaker(key: string): GuardBreaker {
    const [cluster = '', route] = key.split(' of route ')
    return this.#routeBreakers.get(key) ?? this.cluster(cluster).breaker(route)
  }

  setEndpoints(cluster: string, endpoints: readonly EndpointInput[]): void {
    const runtime = this.cluster(cluster)
    this.#states.assign(runtime, endpointsIn(runtime.name, endpoints))
  }

  /** Changes the weight of one endpoint. The cluster's endpoints are set by hand from then on. */
  setWeight(cluster: string, address: string, weight: number): void {
    const runtime = this.cluster(cluster)
    const hosts = runtime.hosts()
    if (!hosts.some(host => host.address === address))
      throw new RangeError(`${cluster} has no endpoint ${address}; it has ${hosts.map(h => h.address).join(', ') || 'none'}`)
    const endpoints =
      this.#states.assigned(runtime) ??
      hosts.map(host => ({
        address: host.address,
        labels: host.labels,
        locality: localityText(host.locality),
        priority: host.priority,
        weight: host.weight,
        health: runtime.configuredHealth(host.address),
      }))
    this.setEndpoints(
      cluster,
      endpoints.map(endpoint => (endpoint.address === address ? { ...endpoint, weight } : endpoint)),
    )
  }

  /** Something that ends with the mesh. */
  attach(closing: { close(): Promise<void> }): void {
    this.#attached.push(closing)
    if (this.isClosed) closing.close().catch(report)
  }

  get isClosed(): boolean {
    return this.#closed !== undefined
  }

  eject(cluster: string, address: string, options?: EjectOptions): void {
    const { for: time = Infinity } = readOptions(ejectFields, options, 'mesh.eject')
    this.cluster(cluster).eject(address, time)
  }

  uneject(cluster: string, address: string): void {
    this.cluster(cluster).uneject(address)
  }

  async close(options?: CloseOptions): Promise<void> {
    const { drain } = readOptions(closeFields, options, 'mesh.close')
    this.#closed ??= this.#close(drain)
    return this.#closed
  }

  async #close(drain: number | undefined): Promise<void> {
    this.rules.close()
    await this.#feed.stop()
    for (const attached of this.#attached) await attached.close()
    const end = this.settings.clock.now() + (drain ?? 0)
    while (this.#busy && this.settings.clock.now() < end)
      await new Promise<void>(resolve => this.settings.clock.schedule(DRAIN_CHECK, resolve, { keepAlive: true }))
    if (drain !== undefined && this.#busy) {
      const error = cutShort(`mesh.close() ended the request: it had not finished within the drain of ${drain} ms`)
      for (const runtime of this.#runtimes) runtime.cut(error)
    }
    this.#states.close()
    this.#dynamic.close()
    this.#transport.close?.()
  }

  get #busy(): boolean {
    return this.#load.open > 0 || this.#runtimes.some(runtime => runtime.busy)
  }

  get #runtimes(): ClusterRuntime[] {
    return [...this.clusters.values(), ...this.dynamicHosts.values()]
  }
}

/** With the code that fetch has for it. */
const cutShort = (message: string) => Object.assign(new Error(message), { code: 'UND_ERR_DESTROYED' })

function breakerKeys(plans: Iterable<ClusterPlan>): Set<string> {
  const keys = new Set<string>()
  for (const { resilience } of plans)
    for (const { breakerKey } of Object.values(resilience?.routes ?? {})) if (breakerKey !== undefined) keys.add(breakerKey)
  return keys
}

const BESIDE_SIDECAR: Diagnostic = {
  severity: 'warning',
  code: 'beside-sidecar',
  message: 'an Istio sidecar stands beside this process (ISTIO_META_* is set): the mesh observes and changes nothing',
  hint: "two who govern the same calls retry each other's retries; mode: 'enforce' governs nevertheless, mode: 'observe' silences this",
}
