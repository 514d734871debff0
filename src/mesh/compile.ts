/**
 * From the documents in force to what calls run on: checked as a whole, translated, compiled per cluster and per virtual host. What has
 * the same content as before is the same object as before, so that a change touches only what depends on it. Nothing takes effect here.
 */
import { append } from '../base/append.ts'
import type { Steps } from '../base/time/slices.ts'
import type { Cluster, ClusterLoadAssignment, EnvoyConfig, RouteConfiguration, VirtualHost } from '../envoy/index.ts'
import type { Placement } from '../rules/istio/cluster-locality.ts'
import { type Diagnostic, diagnose } from '../rules/istio/diagnostic.ts'
import type { RuleDocument } from '../rules/istio/document.ts'
import { originOf } from '../rules/istio/provenance.ts'
import { crossReferences } from '../rules/istio/references.ts'
import { callerOf } from '../rules/istio/select-documents.ts'
import { translating } from '../rules/istio/translate.ts'
import { checkSendable } from '../rules/istio/unsendable.ts'
import { sameTargets } from '../rules/istio/validate/set.ts'
import { validating } from '../rules/istio/validate.ts'
import { compileRoutes, compileVirtualHost, type Hosted, type RouteTable } from '../traffic/routing/route-table.ts'
import { foreignRoutes } from './foreign-routes.ts'
import { divided } from './processes.ts'
import { type ClusterResilience, Policies } from './resilience.ts'
import { inForce, type RuleSets } from './rule-set.ts'
import type { Settings } from './settings.ts'
import { unlistedServices } from './unlisted.ts'

/** A cluster as it shall be. */
export interface ClusterPlan {
  readonly name: string
  readonly config: Cluster
  /** Its endpoints, unless they are set by hand. */
  readonly assignment: ClusterLoadAssignment | undefined
  /** How endpoints that are set by hand are placed; absent when the rules do not say who is near. */
  readonly placement: Placement | undefined
  /** What stands in front of it: Envoy's own configuration cannot say that. */
  readonly resilience: ClusterResilience | undefined
  /** Everything above in one text: equal texts, equal clusters. */
  readonly text: string
}

export interface Compiled {
  /** What the sources say. */
  readonly written: readonly RuleDocument[]
  /** The same, with what is added for hosts that nobody lists. */
  readonly documents: readonly RuleDocument[]
  readonly config: EnvoyConfig
  readonly clusters: ReadonlyMap<string, ClusterPlan>
  /** Virtual hosts by their content. */
  readonly hosts: ReadonlyMap<string, Hosted>
  readonly table: RouteTable
  /** Which policies act where; clusters know theirs already, hosts that only traffic brings ask. */
  readonly policies: Policies
}

export interface Compilation {
  /** Absent when the documents have errors. */
  readonly compiled: Compiled | undefined
  readonly diagnostics: readonly Diagnostic[]
}

export const NOTHING: Compiled = {
  written: [],
  documents: [],
  config: { clusters: [], routes: [], endpoints: [] },
  clusters: new Map(),
  hosts: new Map(),
  table: compileRoutes([]),
  policies: new Policies([], [], { namespace: '', domain: '' }),
}

/** `added`: the documents that the change adds. Where these reach too far it is an error, for others a warning. */
export function* compiling(
  sets: RuleSets,
  before: Compiled,
  settings: Settings,
  added: ReadonlySet<RuleDocument> = NONE,
): Steps<Compilation> {
  const { strict, workload, meshConfig } = settings
  const { documents: written, diagnostics } = inForce(sets, callerOf(workload, meshConfig))
  const refused = () => diagnostics.some(d => d.severity === 'error')
  append(diagnostics, yield* checked(written, strict))
  if (refused()) return { compiled: undefined, diagnostics }
  append(diagnostics, sameTargets(written))

  const unlisted =
    settings.unlisted === 'dns'
      ? unlistedServices(written, callerOf(workload, meshConfig))
      : { documents: [], owners: new Map(), diagnostics: [] }
  append(diagnostics, unlisted.diagnostics)
  const documents = [...written, ...unlisted.documents]
  yield

  const translated = yield* translating(documents, { workload, meshConfig, encryptedPorts: true })
  append(diagnostics, strict ? strictly(written, translated.diagnostics, settings) : translated.diagnostics)
  const policies = new Policies(documents, translated.routes, workload)
  const resilience = new Map<string, ClusterResilience | undefined>()
  for (const { name } of translated.clusters) {
    resilience.set(name, policies.of(name))
    yield
  }
  for (const { document, code, path, message, hint } of [...translated.overreach, ...foreignRoutes(written, translated.routes)])
    diagnostics.push(diagnose(document, added.has(document) ? 'error' : 'warning', code, path, message, hint))
  const routes = policies.marked(translated.routes, resilience)
  const hosts = yield* virtualHosts(routes, before.hosts, diagnostics)
  if (refused()) return { compiled: undefined, diagnostics }

  const { endpoints, placements } = translated
  const clusters = translated.clusters.map(cluster => divided(settings.native(cluster), settings.processes, diagnostics))
  const config = { clusters, routes, endpoints }
  const plans = yield* clusterPlans(config, placements, resilience, before.clusters)
  yield
  return {
    compiled: { written, documents, config, clusters: plans, hosts: hosts.kept, table: compileRoutes(routes, hosts.of), policies },
    diagnostics,
  }
}

const NONE: ReadonlySet<RuleDocument> = new Set()

const verdicts = { lax: new WeakMap<RuleDocument, Diagnostic[]>(), strict: new WeakMap<RuleDocument, Diagnostic[]>() }

/** What is wrong with each document by itself. A document never changes, so it is judged once. */
function* checked(documents: readonly RuleDocument[], strict: boolean): Steps<Diagnostic[]> {
  const known = strict ? verdicts.strict : verdicts.lax
  const found: Diagnostic[] = []
  for (const document of documents) {
    let own = known.get(document)
    if (own === undefined) {
      own = [...(yield* validating([document], { strict })), ...checkSendable([document])]
      known.set(document, own)
      yield
    }
    append(found, own)
  }
  return found
}

/** With `strict` a reference that leads nowhere is an error: the same ones as for `validate`. */
function strictly(
  written: readonly RuleDocument[],
  found: readonly Diagnostic[],
  { workload, meshConfig }: Settings,
): readonly Diagnostic[] {
  const errors = crossReferences(written, 'error', { domain: workload.domain, mesh: meshConfig }).filter(d => d.severity === 'error')
  const placeOf = ({ document, kind, name, path, code }: Diagnostic) => JSON.stringify([document, kind, name, path, code])
  const places = new Set(errors.map(placeOf))
  return [...errors, ...found.filter(d => !places.has(placeOf(d)))]
}

interface Hosts {
  readonly kept: ReadonlyMap<string, Hosted>
  of(host: VirtualHost): Hosted
}

/** Compiles what is new. What only compiling finds, a formatter or a pattern that is not known here, is a fault of its rule. */
function* virtualHosts(routes: readonly RouteConfiguration[], before: ReadonlyMap<string, Hosted>, found: Diagnostic[]): Steps<Hosts> {
  const kept = new Map<string, Hosted>()
  const made = new Map<VirtualHost, Hosted>()
  for (const { virtualHosts = [] } of routes)
    for (const host of virtualHosts) {
      const text = JSON.stringify(host)
      let hosted = kept.get(text) ?? before.get(text)
      try {
        hosted ??= compileVirtualHost(host)
        kept.set(text, hosted)
        made.set(host, hosted)
      } catch {
        append(found, faultsOf(host))
      }
      yield
    }
  return { kept, of: host => made.get(host)! }
}

function* faultsOf(host: VirtualHost): Generator<Diagnostic> {
  for (const route of host.routes ?? [])
    try {
      compileVirtualHost({ ...host, routes: [route] })
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      const origin = originOf(route)
      if (origin === undefined) yield { severity: 'error', code: 'route-not-compilable', message: `${host.name}: ${message}` }
      else yield diagnose(origin.document, 'error', 'route-not-compilable', origin.path, message)
    }
}

function* clusterPlans(
  config: EnvoyConfig,
  placements: ReadonlyMap<string, Placement>,
  resilience: ReadonlyMap<string, ClusterResilience | undefined>,
  before: ReadonlyMap<string, ClusterPlan>,
): Steps<ReadonlyMap<string, ClusterPlan>> {
  const assignments = new Map(config.endpoints.map(a => [a.clusterName, a]))
  const plans = new Map<string, ClusterPlan>()
  for (const cluster of config.clusters) {
    const { name } = cluster
    const plan = {
      name,
      config: cluster,
      assignment: cluster.loadAssignment ?? assignments.get(name),
      placement: placements.get(name),
      resilience: resilience.get(name),
    }
    const text = JSON.stringify(plan)
    const known = before.get(name)
    plans.set(name, known?.text === text ? known : { ...plan, text })
    yield
  }
  return plans
}
