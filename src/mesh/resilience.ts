/** Which ResiliencePolicy stands in front of a cluster. Per block the most specific target wins; then the client's namespace, the service's, the root; then load order. */
import type { Cluster } from '../envoy/index.ts'
import type { RuleDocument } from '../rules/istio/document.ts'

/** The blocks that apply to one cluster, as written. */
export interface Resilience {
  circuitBreaker?: Record<string, unknown>
  bulkhead?: Record<string, unknown>
  rateLimiter?: Record<string, unknown>
  timeLimiter?: Record<string, unknown>
  adaptiveConcurrency?: Record<string, unknown>
  fallback?: { directResponse?: { status?: number; body?: { string?: string } } }
}

const BLOCKS = ['circuitBreaker', 'bulkhead', 'rateLimiter', 'timeLimiter', 'adaptiveConcurrency', 'fallback'] as const

type Block = (typeof BLOCKS)[number]

/** Collects the blocks for a cluster. `undefined`: none applies. */
export function resilienceOf(
  policies: readonly RuleDocument[],
  cluster: Cluster,
  workload: { namespace: string; domain: string },
): Resilience | undefined {
  const documents = resilienceDocuments(policies, cluster.name, workload)
  if (documents === undefined) return undefined
  return Object.fromEntries(Object.entries(documents).map(([block, document]) => [block, document.spec[block]])) as Resilience
}

/** The document that gives each block of a cluster. */
export function resilienceDocuments(
  policies: readonly RuleDocument[],
  cluster: string,
  workload: { namespace: string; domain: string },
): Partial<Record<Block, RuleDocument>> | undefined {
  if (policies.length === 0) return undefined
  const [direction, port = '', subset = '', host = ''] = cluster.split('|')
  if (direction !== 'outbound') return undefined
  const best: Partial<Record<Block, { rank: number; document: RuleDocument }>> = {}
  for (const document of policies) {
    const namespace = document.metadata.namespace ?? workload.namespace
    for (const target of document.spec?.targets ?? []) {
      const rank = rankOf(target, { host, subset, port }, namespace, workload)
      if (rank < 0) continue
      const near = rank * 4 + (namespace === workload.namespace ? 2 : host.includes(`.${namespace}.`) ? 1 : 0)
      for (const block of BLOCKS) {
        const value = document.spec[block]
        if (value !== undefined && near > (best[block]?.rank ?? -1)) best[block] = { rank: near, document }
      }
    }
  }
  const found = BLOCKS.filter(block => best[block] !== undefined)
  if (found.length === 0) return undefined
  return Object.fromEntries(found.map(block => [block, best[block]!.document]))
}

/** How specific a target is for this cluster: host+subset+port 4, host+subset 3, host+port 2, host 1, "*" 0; -1: not meant. */
function rankOf(
  target: any,
  cluster: { host: string; subset: string; port: string },
  namespace: string,
  workload: { domain: string },
): number {
  if (target === '*') return 0
  if (typeof target?.host !== 'string') return -1
  const host = target.host.includes('.') ? target.host : `${target.host}.${namespace}.svc.${workload.domain}`
  if (host !== cluster.host) return -1
  const port = typeof target.port === 'object' ? target.port?.number : target.port
  if (target.subset !== undefined && target.subset !== cluster.subset) return -1
  if (port !== undefined && String(port) !== cluster.port) return -1
  return 1 + (port !== undefined ? 1 : 0) + (target.subset !== undefined ? 2 : 0)
}
