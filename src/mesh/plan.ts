/** What a change of rules would do: which documents, hosts, routes and clusters differ, and what becomes of the state beside them. */
import type { Steps } from '../base/time/slices.ts'
import type { Cluster, ClusterLoadAssignment, RouteConfiguration, VirtualHost } from '../envoy/index.ts'
import type { Diagnostic } from '../rules/istio/diagnostic.ts'
import type { RuleDocument } from '../rules/istio/document.ts'
import { trustOf } from '../traffic/upstream/reach.ts'
import type { ClusterPlan, Compiled } from './compile.ts'
import { type FieldChange, fieldChanges } from './field-changes.ts'
import { keyOf } from './rule-set.ts'

export type Change = 'added' | 'changed' | 'removed'

export interface ClusterChange {
  cluster: string
  change: Change
  /** Settings that differ, e.g. `outlierDetection`, `endpoints`, `circuitBreaker`. */
  fields: string[]
  /** Addresses that come and go. */
  endpoints: { added: string[]; removed: string[] }
  /** What becomes of ejections, counters, connections and breakers. */
  state: { kept: boolean; note: string }
}

export interface DocumentChange {
  key: string
  change: Change
  /** Of a changed document: what differs, from what to what. */
  fields?: FieldChange[]
}

export interface Changes {
  documents: DocumentChange[]
  /** Hosts whose routes differ. */
  hosts: string[]
  /** `host` and `port` of a virtual host, and the routes in it by name or place. */
  routes: { host: string; port: string; change: Change; routes: string[] }[]
  clusters: ClusterChange[]
}

/** The result of `mesh.plan`. */
export interface Plan {
  /** Whether the change would be accepted. */
  accepted: boolean
  /** The version it was compared with; give it to `ifVersion` to make sure. */
  version: number
  errors: readonly Diagnostic[]
  warnings: readonly Diagnostic[]
  /** Empty when the change is refused. */
  changes: Changes
}

export const NO_CHANGES: Changes = { documents: [], hosts: [], routes: [], clusters: [] }

/** How the state of clusters stands, as far as a plan speaks of it. */
export interface StateView {
  isRetired(name: string): boolean
  hasOwnEndpoints(name: string): boolean
}

export function* changesBetween(before: Compiled, after: Compiled, states: StateView): Steps<Changes> {
  const routes = routeChanges(before.config.routes, after.config.routes)
  yield
  return {
    documents: yield* comparing(before.written, after.written, fieldChanges),
    hosts: [...new Set(routes.map(r => r.host))],
    routes,
    clusters: clusterChanges(before.clusters, after.clusters, states),
  }
}

const texts = new WeakMap<RuleDocument, string>()

function textOf(document: RuleDocument): string {
  let text = texts.get(document)
  if (text === undefined) {
    text = JSON.stringify([document.apiVersion, document.metadata, document.spec])
    texts.set(document, text)
  }
  return text
}

/** Which documents differ, and by `describe` in what, compared one by one: interruptible in between. */
export function* comparing(
  before: readonly RuleDocument[],
  after: readonly RuleDocument[],
  describe?: (before: RuleDocument, after: RuleDocument) => FieldChange[],
): Steps<DocumentChange[]> {
  const old = new Map(before.map(d => [keyOf(d), d]))
  const now = new Map(after.map(d => [keyOf(d), d]))
  const changes: DocumentChange[] = []
  for (const [key, document] of now) {
    const was = old.get(key)
    if (was === undefined) changes.push({ key, change: 'added' })
    else if (was !== document && textOf(was) !== textOf(document))
      changes.push({ key, change: 'changed', ...(describe && { fields: describe(was, document) }) })
    yield
  }
  for (const key of old.keys()) if (!now.has(key)) changes.push({ key, change: 'removed' })
  return changes
}

function routeChanges(before: readonly RouteConfiguration[], after: readonly RouteConfiguration[]): Changes['routes'] {
  const old = hostsByPort(before)
  const now = hostsByPort(after)
  const changes: Changes['routes'] = []
  const say = (key: string, change: Change, routes: string[]) => {
    const [port = '', name = ''] = key.split(' ')
    changes.push({ host: name.replace(/:\d+$/, ''), port, change, routes })
  }
  for (const [key, host] of now) {
    const was = old.get(key)
    if (was === undefined) say(key, 'added', namesOf(host))
    else {
      const differing = differences(was, host)
      if (differing.length > 0) say(key, 'changed', differing)
    }
  }
  for (const [key, host] of old) if (!now.has(key)) say(key, 'removed', namesOf(host))
  return changes
}

function hostsByPort(configs: readonly RouteConfiguration[]): Map<string, VirtualHost> {
  const hosts = new Map<string, VirtualHost>()
  for (const { name, virtualHosts = [] } of configs) for (const host of virtualHosts) hosts.set(`${name} ${host.name}`, host)
  return hosts
}

const namesOf = ({ routes = [] }: VirtualHost): string[] => routes.map((route, at) => route.name || `#${at + 1}`)

/** Routes that are not what they were at their place; `domains` when the names of the host differ. */
function differences(was: VirtualHost, now: VirtualHost): string[] {
  const differing: string[] = []
  if (JSON.stringify(was.domains) !== JSON.stringify(now.domains)) differing.push('domains')
  const before = (was.routes ?? []).map(route => JSON.stringify(route))
  const after = (now.routes ?? []).map(route => JSON.stringify(route))
  const names = { before: namesOf(was), after: namesOf(now) }
  for (let at = 0; at < Math.max(before.length, after.length); at++)
    if (before[at] !== after[at]) differing.push(names.after[at] ?? names.before[at]!)
  return [...new Set(differing)]
}

function clusterChanges(
  before: ReadonlyMap<string, ClusterPlan>,
  after: ReadonlyMap<string, ClusterPlan>,
  states: StateView,
): ClusterChange[] {
  const changes: ClusterChange[] = []
  for (const [cluster, plan] of after) {
    const was = before.get(cluster)
    if (was === plan) continue
    if (was === undefined) {
      const note = states.isRetired(cluster) ? 'taken up again from before it was removed' : 'begins empty'
      const endpoints = { added: addressesOf(plan.assignment), removed: [] }
      changes.push({ cluster, change: 'added', fields: [], endpoints, state: { kept: states.isRetired(cluster), note } })
    } else changes.push(changed(was, plan, states))
  }
  for (const [cluster, plan] of before) {
    if (after.has(cluster)) continue
    const endpoints = { added: [], removed: addressesOf(plan.assignment) }
    const note = 'kept for 5 minutes, then dropped'
    changes.push({ cluster, change: 'removed', fields: [], endpoints, state: { kept: false, note } })
  }
  return changes
}

function changed(was: ClusterPlan, now: ClusterPlan, states: StateView): ClusterChange {
  const fields = [...fieldsOf(was.config, now.config), ...fieldsOf(blocksOf(was), blocksOf(now))]
  const old = new Set(addressesOf(was.assignment))
  const current = new Set(addressesOf(now.assignment))
  const endpoints = { added: [...current].filter(a => !old.has(a)), removed: [...old].filter(a => !current.has(a)) }
  const own = states.hasOwnEndpoints(now.name)
  if (JSON.stringify(was.assignment) !== JSON.stringify(now.assignment))
    fields.push(own ? 'endpoints (set by hand: not used)' : 'endpoints')
  if (own && JSON.stringify(was.placement) !== JSON.stringify(now.placement)) fields.push('priorities of the endpoints set by hand')
  if (JSON.stringify(trustOf(was.config.metadata)) !== JSON.stringify(trustOf(now.config.metadata))) fields.push('trust')
  const lost: string[] = []
  if (fields.includes('lbPolicy')) lost.push('positions of the load balancer begin anew')
  if (was.config.outlierDetection !== undefined && now.config.outlierDetection === undefined) lost.push('ejected endpoints come back')
  for (const block of Object.keys(blocksOf(was))) if (!Object.hasOwn(blocksOf(now), block)) lost.push(`${block} is dropped`)
  if (!own && endpoints.removed.length > 0) lost.push(`state of ${endpoints.removed.join(', ')} is dropped`)
  return { cluster: now.name, change: 'changed', fields, endpoints, state: { kept: true, note: ['kept', ...lost].join('; ') } }
}

/** What stands in front of a cluster, and what routes have in its place. */
function blocksOf({ resilience }: ClusterPlan): object {
  const blocks: Record<string, unknown> = { ...resilience?.own }
  for (const [route, own] of Object.entries(resilience?.routes ?? {}))
    for (const [block, value] of Object.entries(own)) if (block !== 'breakerKey') blocks[`${block} of route ${route}`] = value
  return blocks
}

/** Names of the members that differ. */
function fieldsOf(was: object, now: object): string[] {
  const names = new Set([...Object.keys(was), ...Object.keys(now)])
  names.delete('loadAssignment' satisfies keyof Cluster)
  names.delete('metadata' satisfies keyof Cluster)
  const at = (of: object, name: string) => JSON.stringify((of as Record<string, unknown>)[name])
  return [...names].filter(name => at(was, name) !== at(now, name))
}

function addressesOf(assignment: ClusterLoadAssignment | undefined): string[] {
  const found: string[] = []
  for (const { lbEndpoints = [] } of assignment?.endpoints ?? [])
    for (const { endpoint } of lbEndpoints) {
      const { socketAddress, pipe } = endpoint.address
      if (pipe !== undefined) found.push(pipe.path)
      else if (socketAddress !== undefined) found.push(`${socketAddress.address}:${socketAddress.portValue}`)
    }
  return found
}
