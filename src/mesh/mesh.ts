/**
 * Joins the wings: documents become Envoy configuration, configuration becomes a snapshot that calls run on. A set is checked as a
 * whole before it takes effect; what runs keeps running when it is refused. State of clusters lives beside the snapshot.
 */
import { toBytes } from '../base/formats/size.ts'
import { type Clock, systemClock } from '../base/time/clock.ts'
import { toMs } from '../base/time/duration.ts'
import { type Random, systemRandom } from '../base/time/random.ts'
import { Emitter, type ListenOptions } from '../core/events.ts'
import type { Transport } from '../core/transport.ts'
import type { Cluster, ClusterLoadAssignment, EnvoyConfig } from '../envoy/index.ts'
import type { Diagnostic } from '../rules/istio/diagnostic.ts'
import type { RuleDocument } from '../rules/istio/document.ts'
import { checkFormatters } from '../rules/istio/formatters.ts'
import { type MeshConfig, readMeshConfig } from '../rules/istio/mesh-config.ts'
import { parseRules } from '../rules/istio/parse.ts'
import { translateDocuments } from '../rules/istio/translate.ts'
import { validateDocuments } from '../rules/istio/validate.ts'
import { systemResolver } from '../traffic/discovery/node-dns.ts'
import { ClusterRuntime } from '../traffic/engine/cluster-runtime.ts'
import type { Engine } from '../traffic/engine/engine.ts'
import type { MeshReply, MeshRequest } from '../traffic/engine/exchange.ts'
import { execute } from '../traffic/engine/executor.ts'
import { guardedTry } from '../traffic/engine/guarded-try.ts'
import { ListenerStats } from '../traffic/engine/stats.ts'
import { compileRoutes, type RouteTable } from '../traffic/routing/route-table.ts'
import { DynamicHosts } from './dynamic-hosts.ts'
import { assignmentOf, localityText } from './endpoints.ts'
import type { MeshEvents } from './events.ts'
import { guardLinker } from './guard.ts'
import type { Applied, EndpointInput, MeshOptions, RuleInput } from './options.ts'
import { resilienceOf } from './resilience.ts'
import { RuleError } from './rule-error.ts'
import { unlistedServices } from './unlisted.ts'

/** How long the state of a cluster that no rule names any more is kept, ms. */
const GRACE = 300_000

export class MeshCore {
  readonly clock: Clock
  readonly random: Random
  readonly events = new Emitter<MeshEvents>()
  readonly stats = new ListenerStats()
  readonly #options: MeshOptions
  readonly #workload: { namespace: string; labels: Record<string, string>; domain: string; locality?: string }
  readonly #meshConfig: MeshConfig
  readonly #transport: Transport
  readonly #clusters = new Map<string, ClusterRuntime>()
  readonly #dynamic: DynamicHosts
  readonly #retryBufferLimit: number
  /** Endpoints set by hand; they outlive an `apply`. */
  readonly #assigned = new Map<string, ClusterLoadAssignment>()
  #engine: Engine
  #config: EnvoyConfig = { clusters: [], routes: [], endpoints: [] }
  #version = 0
  #applying: Promise<unknown> = Promise.resolve()
  #closed = false
  #open = 0
  #idle: (() => void) | undefined

  constructor(options: MeshOptions, transport: Transport) {
    this.#options = options
    this.clock = options.clock ?? systemClock
    this.random = options.random ?? systemRandom
    this.#transport = transport
    const { namespace = 'default', labels = {}, domain = 'cluster.local', locality } = options.workload ?? {}
    this.#workload = { namespace, labels: { ...labels }, domain, ...(locality === undefined ? {} : { locality }) }
    this.#meshConfig = readMeshConfig(options.meshConfig)
    this.#dynamic = new DynamicHosts(options.limits?.dynamicHosts ?? 1000, (name, cluster) => this.#runtime(name, cluster))
    this.#retryBufferLimit = toBytes(options.limits?.retryBufferLimit ?? '1Mi', 'limits.retryBufferLimit')
    this.#engine = this.#link(compileRoutes([]))
    const first = this.#compile(options.rules ?? [])
    const errors = first.diagnostics.filter(d => d.severity === 'error')
    if (errors.length > 0) throw new RuleError(first.diagnostics)
    this.#activate(first.documents, first.config)
    this.diagnostics = first.diagnostics
  }

  /** What was said about the set in force. */
  diagnostics: readonly Diagnostic[]

  get version(): number {
    return this.#version
  }

  get config(): EnvoyConfig {
    return this.#config
  }

  get engine(): Engine {
    return this.#engine
  }

  get clusters(): ReadonlyMap<string, ClusterRuntime> {
    return this.#clusters
  }

  get governs(): boolean {
    return !this.#closed && this.#options.mode !== 'off'
  }

  handle(request: MeshRequest): Promise<MeshReply> {
    return execute(this.#engine, request)
  }

  async ready(options?: { timeout?: number | string }): Promise<void> {
    const warming = [...this.#clusters.values()].map(c => c.warming).filter(w => w !== undefined)
    if (warming.length === 0) return
    const timeout = options?.timeout === undefined ? undefined : toMs(options.timeout, 'ready.timeout')
    await new Promise<void>((resolve, reject) => {
      const timer =
        timeout === undefined
          ? undefined
          : this.clock.schedule(timeout, () => reject(new Error(`the mesh was not ready within ${timeout} ms`)), { keepAlive: true })
      Promise.allSettled(warming).then(() => {
        timer?.cancel()
        resolve()
      })
    })
  }

  apply(rules: RuleInput): Promise<Applied<Diagnostic>> {
    const next = this.#applying.then(() => this.#apply(rules))
    this.#applying = next.catch(() => {})
    return next
  }

  #apply(rules: RuleInput): Applied<Diagnostic> {
    const { documents, config, diagnostics } = this.#compile(rules)
    const errors = diagnostics.filter(d => d.severity === 'error')
    const warnings = diagnostics.filter(d => d.severity !== 'error')
    if (errors.length > 0) {
      this.events.emit('rejected', { errors, warnings })
      return { accepted: false, errors, warnings }
    }
    this.#activate(documents, config)
    this.diagnostics = diagnostics
    this.events.emit('applied', { version: this.#version, warnings })
    return { accepted: true, version: this.#version, warnings }
  }

  #compile(rules: RuleInput): { documents: readonly RuleDocument[]; config: EnvoyConfig; diagnostics: Diagnostic[] } {
    const strict = this.#options.strict === true
    const parsed = parseRules(rules)
    const diagnostics = [...parsed.diagnostics, ...validateDocuments(parsed.documents, { strict }), ...checkFormatters(parsed.documents)]
    if (diagnostics.some(d => d.severity === 'error')) return { documents: parsed.documents, config: this.#config, diagnostics }
    let documents = parsed.documents
    if (this.#options.discovery?.unlisted !== 'none') {
      const unlisted = unlistedServices(documents, this.#workload)
      documents = [...documents, ...unlisted.documents]
      diagnostics.push(...unlisted.diagnostics)
    }
    const translated = translateDocuments(documents, { workload: this.#workload, meshConfig: this.#meshConfig })
    diagnostics.push(
      ...translated.diagnostics.map(d =>
        strict && d.severity === 'warning' && /unknown/.test(d.code) ? { ...d, severity: 'error' as const } : d,
      ),
    )
    // What only compiling finds: a formatter or a pattern that is not known here.
    try {
      compileRoutes(translated.routes)
    } catch (error) {
      diagnostics.push({ severity: 'error', code: 'route-not-compilable', message: error instanceof Error ? error.message : String(error) })
    }
    return { documents, config: translated, diagnostics }
  }

  #activate(documents: readonly RuleDocument[], config: EnvoyConfig): void {
    const table = compileRoutes(config.routes)
    const assignments = new Map(config.endpoints.map(a => [a.clusterName, a]))
    const policies = documents.filter(d => d.kind === 'ResiliencePolicy')
    const named = new Set<string>()
    for (const cluster of config.clusters) {
      named.add(cluster.name)
      const runtime = this.#runtime(cluster.name, cluster)
      const assignment = this.#assigned.get(cluster.name) ?? cluster.loadAssignment ?? assignments.get(cluster.name)
      if (assignment !== undefined) runtime.assign(assignment)
      runtime.guard(guardLinker(resilienceOf(policies, cluster, this.#workload), { clock: this.clock, random: this.random }), guardedTry)
    }
    for (const [name, runtime] of this.#clusters)
      if (!named.has(name) && !this.#dynamic.has(name))
        this.clock.schedule(GRACE, () => {
          if (this.#config.clusters.some(c => c.name === name) || runtime.busy) return
          runtime.close()
          this.#clusters.delete(name)
        })
    this.#config = config
    this.#version++
    this.#engine = this.#link(table)
  }

  #runtime(name: string, cluster: Cluster): ClusterRuntime {
    const known = this.#clusters.get(name)
    if (known !== undefined) {
      known.update(cluster)
      return known
    }
    const made = new ClusterRuntime(cluster, {
      clock: this.clock,
      random: this.random,
      transport: this.#transport,
      resolver: this.#options.discovery?.resolver ?? systemResolver(),
      ejected: (address, ejected, until) =>
        this.events.emit(ejected ? 'ejection' : 'unejection', { cluster: name, endpoint: address, until, at: this.clock.wall() }),
    })
    this.#clusters.set(name, made)
    return made
  }

  #link(table: RouteTable): Engine {
    const mode = this.#meshConfig.outboundTrafficPolicy?.mode
    return {
      clock: this.clock,
      random: this.random,
      table,
      clusters: this.#clusters,
      stats: this.stats,
      allowAny: mode !== 'REGISTRY_ONLY',
      faults: this.#options.faults !== false,
      requestOverrides: this.#options.requestOverrides === true,
      clientAddress: '127.0.0.1',
      retryBufferLimit: this.#retryBufferLimit,
      passthrough: (scheme, authority, port) => this.#dynamic.get(scheme, authority, port),
    }
  }

  setEndpoints(cluster: string, endpoints: readonly EndpointInput[]): void {
    const runtime = this.#named(cluster)
    const assignment = assignmentOf(runtime.name, endpoints)
    this.#assigned.set(runtime.name, assignment)
    runtime.assign(assignment)
  }

  /** A cluster by its Envoy name, or by `host|subset|port`. */
  #named(key: string): ClusterRuntime {
    const direct = this.#clusters.get(key)
    if (direct !== undefined) return direct
    const [host = '', subset = '', port = ''] = key.split('|')
    const found = this.#clusters.get(`outbound|${port}|${subset}|${host}`)
    if (found !== undefined) return found
    throw new RangeError(`no cluster ${JSON.stringify(key)}; known: ${[...this.#clusters.keys()].slice(0, 20).join(', ') || 'none'}`)
  }

  cluster(key: string): ClusterRuntime {
    return this.#named(key)
  }

  eject(cluster: string, address: string, options?: { for?: number | string }): void {
    this.#named(cluster).eject(address, options?.for === undefined ? Infinity : toMs(options.for, 'eject.for'))
  }

  uneject(cluster: string, address: string): void {
    this.#named(cluster).uneject(address)
  }

  on<K extends keyof MeshEvents>(type: K, listener: (event: MeshEvents[K]) => void, options?: ListenOptions): () => void {
    return this.events.on(type, listener, options)
  }

  snapshot(): MeshSnapshot {
    const clusters: MeshSnapshot['clusters'] = {}
    const policies: MeshSnapshot['policies'] = {}
    for (const [name, runtime] of this.#clusters) {
      clusters[name] = { endpoints: runtime.hosts().map(h => ({ ...h, locality: localityText(h.locality) })), stats: runtime.allStats() }
      Object.assign(policies, runtime.policySnapshot())
    }
    return {
      version: this.#version,
      clusters,
      policies,
      stats: { ...this.stats } as unknown as Record<string, number>,
      routes: this.#config.routes.map(r => ({ port: r.name, hosts: (r.virtualHosts ?? []).map(v => v.domains[0] ?? '') })),
      sources: [{ name: 'apply', version: this.#version }],
    }
  }

  /** Counts open requests, so that `close` can wait for them. */
  entered(): void {
    this.#open++
  }

  left(): void {
    if (--this.#open === 0) this.#idle?.()
  }

  async close(options?: { drain?: number | string }): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const drain = options?.drain === undefined ? 0 : toMs(options.drain, 'close.drain')
    if (this.#open > 0 && drain > 0)
      await new Promise<void>(resolve => {
        const timer = this.clock.schedule(drain, resolve, { keepAlive: true })
        this.#idle = () => {
          timer.cancel()
          resolve()
        }
      })
    for (const runtime of this.#clusters.values()) runtime.close()
    this.#transport.close?.()
  }
}

/** What `snapshot()` shows: plain JSON. */
export interface MeshSnapshot {
  version: number
  clusters: Record<string, { endpoints: EndpointSnapshot[]; stats: Record<string, number> }>
  policies: Record<string, unknown>
  stats: Record<string, number>
  routes: { port: string; hosts: string[] }[]
  sources: { name: string; version: number }[]
}

export interface EndpointSnapshot {
  address: string
  labels: Record<string, string>
  locality: string
  priority: number
  weight: number
  health: 'healthy' | 'ejected' | 'unhealthy'
  ejectedUntil?: number
  active: number
}
