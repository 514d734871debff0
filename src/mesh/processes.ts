/** Limits are counted in each process. Told how many processes share a destination, every one of them takes its part of the limits. */
import type { Cluster } from '../envoy/index.ts'
import type { Diagnostic } from '../rules/istio/diagnostic.ts'

/** What nobody set is no limit. */
const UNLIMITED = 4_294_967_295
const LIMITS = ['maxConnections', 'maxPendingRequests', 'maxRequests', 'maxRetries'] as const

/** The cluster with its limits divided, never below one each; a limit smaller than the number of processes is said. */
export function divided(cluster: Cluster, processes: number, diagnostics: Diagnostic[]): Cluster {
  const thresholds = cluster.circuitBreakers?.thresholds
  if (processes === 1 || thresholds === undefined) return cluster
  const parts = thresholds.map(given => {
    const part = { ...given }
    for (const name of LIMITS) {
      const limit = given[name]
      if (limit === undefined || limit >= UNLIMITED || limit === 0) continue
      if (limit < processes) diagnostics.push(tooSmall(cluster, name, limit, processes))
      part[name] = Math.max(1, Math.floor(limit / processes))
    }
    return part
  })
  return { ...cluster, circuitBreakers: { ...cluster.circuitBreakers, thresholds: parts } }
}

function tooSmall(cluster: Cluster, name: string, limit: number, processes: number): Diagnostic {
  const config: unknown = cluster.metadata?.filterMetadata?.['istio']?.config
  return {
    severity: 'warning',
    code: 'limit-below-processes',
    message: `${cluster.name}: ${name} is ${limit} and ${processes} processes share it: each allows 1, so that ${processes} are possible`,
    ...(typeof config === 'string' ? { kind: 'DestinationRule', name: config.slice(config.indexOf('/') + 1) } : {}),
    hint: `set ${name} to at least ${processes}, or run fewer processes`,
  }
}
