/** Where the values in force come from: the document, the path and the line that say them, or the default that holds because nobody does. */
import type { Cluster, Route } from '../envoy/index.ts'
import { type RuleDocument, stepsOf } from '../rules/istio/document.ts'
import { fullName } from '../rules/istio/hosts.ts'
import { originOf } from '../rules/istio/provenance.ts'
import { namespaceOf } from '../rules/istio/select-documents.ts'
import type { MeshCore } from './mesh.ts'
import { keyOf } from './rule-set.ts'

/** A place in a rule. */
export interface Place {
  /** `VirtualService/default/reviews`. */
  document: string
  /** `spec.http[0].timeout`. */
  path: string
  /** The file or address it is from. */
  source?: string
  line?: number
  column?: number
}

/** One value of the policy in force, and who said it. */
export interface Value {
  /** `timeout`, `retries.attempts`, `outlierDetection.consecutive5xxErrors` … */
  name: string
  value: unknown
  /** A place, or in words: `Istio's default`, `meshConfig`. */
  from: Place | string
}

const DEFAULT = "Istio's default"

export function placeOf(document: RuleDocument, path: string): Place {
  const at = document.locate?.(path)
  const source = document.origin?.source
  return {
    document: keyOf(document),
    path,
    ...(source !== undefined && { source }),
    ...(at !== undefined && { line: at.line, column: at.column }),
  }
}

function written(document: RuleDocument, path: string): unknown {
  let value: unknown = document.asWritten ?? document
  for (const step of stepsOf(path)) value = (value as Record<string | number, unknown> | null | undefined)?.[step]
  return value
}

/** Time, tries and faults of a route. `host`: whose route it is. */
export function routeValues(core: MeshCore, route: Route, host: string): Value[] {
  const origin = originOf(route)
  const action = route.route
  const values: Value[] = []
  const from = (path: string, otherwise: string): Place | string => {
    if (origin === undefined) return otherwise
    const whole = `${origin.path}.${path}`
    if (written(origin.document, whole) !== undefined) return placeOf(origin.document, whole)
    return otherwise
  }
  const say = (name: string, value: unknown, otherwise = DEFAULT) => values.push({ name, value, from: from(name, otherwise) })
  if (action !== undefined) {
    say('timeout', action.timeout === undefined || action.timeout === '0s' ? 'none' : action.timeout)
    const retry = action.retryPolicy
    const meshWide = core.settings.meshConfig.defaultHttpRetryPolicy === undefined ? DEFAULT : 'meshConfig.defaultHttpRetryPolicy'
    say('retries.attempts', retry?.numRetries ?? 0, meshWide)
    if (retry !== undefined) {
      say('retries.retryOn', retry.retryOn, meshWide)
      say('retries.perTryTimeout', retry.perTryTimeout ?? 'none', meshWide)
      say('retries.backoff', retry.retryBackOff?.baseInterval ?? '25ms', meshWide)
    }
    for (const [at, mirror] of (action.requestMirrorPolicies ?? []).entries()) say(at === 0 ? 'mirror' : `mirrors[${at}]`, mirror.cluster)
  }
  const fault = route.typedPerFilterConfig?.['envoy.filters.http.fault']
  if (fault?.delay !== undefined) say('fault.delay', fault.delay)
  if (fault?.abort !== undefined) say('fault.abort', fault.abort)
  const split = core.rules.compiled.policies.splitOf(route, host)
  for (const [option, value] of Object.entries((split?.spec.split.by ?? {}) as object))
    values.push({ name: `split.by.${option}`, value, from: placeOf(split!, `spec.split.by.${option}`) })
  return values
}

/** What of Envoy's settings says what of Istio's; those not named have the same name in both. */
const BLOCKS: readonly { block: string; of(cluster: Cluster): object | undefined; names: Record<string, string> }[] = [
  { block: 'loadBalancer', of: ({ lbPolicy }) => ({ lbPolicy }), names: { lbPolicy: 'simple' } },
  {
    block: 'outlierDetection',
    of: cluster => cluster.outlierDetection,
    names: {
      consecutive5xx: 'consecutive5xxErrors',
      consecutiveGatewayFailure: 'consecutiveGatewayErrors',
      consecutiveLocalOriginFailure: 'consecutiveLocalOriginFailures',
    },
  },
  {
    block: 'connectionPool',
    of: cluster => cluster.circuitBreakers?.thresholds?.[0],
    names: {
      maxConnections: 'tcp.maxConnections',
      maxPendingRequests: 'http.http1MaxPendingRequests',
      maxRequests: 'http.http2MaxRequests',
      maxRetries: 'http.maxRetries',
    },
  },
  { block: 'connectionPool', of: ({ connectTimeout }) => ({ connectTimeout }), names: { connectTimeout: 'tcp.connectTimeout' } },
]

const UNLIMITED = 4_294_967_295

/** Balancing, limits, ejection and policies of a cluster, for requests of this route. */
export function clusterValues(core: MeshCore, name: string, route: Route | undefined, host: string): Value[] {
  const plan = core.rules.compiled.clusters.get(name)
  if (plan === undefined) return []
  const rules = rulesOf(core, plan.config)
  const values: Value[] = []
  for (const { block, of, names } of BLOCKS) {
    const place = rules.map(rule => blockPlace(rule, plan.config, block)).find(found => found !== undefined)
    for (const [envoy, value] of Object.entries(of(plan.config) ?? {})) {
      // Envoy's switches for what Istio always has on are no values of a policy.
      if (value === undefined || value === UNLIMITED || typeof value === 'boolean' || envoy.startsWith('enforcing')) continue
      const istio = names[envoy] ?? envoy
      const exact = place && written(place.document, `${place.path}.${istio}`) !== undefined ? `${place.path}.${istio}` : undefined
      const from =
        exact !== undefined
          ? placeOf(place!.document, exact)
          : block === 'loadBalancer' && place
            ? placeOf(place.document, place.path)
            : DEFAULT
      values.push({ name: `${block}.${istio}`, value, from })
    }
  }
  for (const [block, document] of Object.entries(core.rules.compiled.policies.documents(name, route, host)))
    values.push(...ofBlock(block, document))
  return values
}

/** Policies of a host that no rule names. */
export function unnamedValues(core: MeshCore, host: string, port: number): Value[] {
  return Object.entries(core.rules.compiled.policies.documentsUnnamed(host, port)).flatMap(([block, document]) => ofBlock(block, document))
}

function ofBlock(block: string, document: RuleDocument): Value[] {
  return Object.entries(document.spec[block] as object).map(([option, value]) => ({
    name: `${block}.${option}`,
    value,
    from: placeOf(document, `spec.${block}.${option}`),
  }))
}

/** The DestinationRules that speak of a cluster: the one that gives its policy first, then those that only add subsets. */
function rulesOf(core: MeshCore, cluster: Cluster): RuleDocument[] {
  const about = cluster.metadata?.filterMetadata?.['istio'] as { config?: string; host?: string } | undefined
  if (about?.config === undefined) return []
  const host = (document: RuleDocument) => fullName(String(document.spec?.host), namespaceOf(document), core.settings.workload.domain)
  const all = core.rules.compiled.documents.filter(d => d.kind === 'DestinationRule')
  const first = all.filter(d => `${namespaceOf(d)}/${d.metadata.name}` === about.config)
  return [...first, ...all.filter(d => !first.includes(d) && host(d) === about.host)]
}

/** Where a block of a cluster stands: the subset's port, the subset, the rule's port, the rule. A port's entry replaces all beside it. */
function blockPlace(document: RuleDocument, cluster: Cluster, block: string): { document: RuleDocument; path: string } | undefined {
  const [, port = '', subset = ''] = cluster.name.split('|')
  const places: string[] = []
  const add = (path: string) => {
    const policy = written(document, path) as { portLevelSettings?: { port?: { number?: unknown } }[] } | undefined
    const at = policy?.portLevelSettings?.findIndex?.(entry => String(entry?.port?.number) === port) ?? -1
    places.push(at >= 0 ? `${path}.portLevelSettings[${at}]` : path)
  }
  const subsets = (document.spec?.subsets ?? []) as { name?: string }[]
  const index = subset === '' ? -1 : subsets.findIndex(s => s?.name === subset)
  if (index >= 0) add(`spec.subsets[${index}].trafficPolicy`)
  add('spec.trafficPolicy')
  const path = places.find(p => written(document, `${p}.${block}`) !== undefined)
  return path === undefined ? undefined : { document, path: `${path}.${block}` }
}
