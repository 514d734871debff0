/**
 * The traffic policy of one cluster. A subset's block replaces the rule's block as a whole; an entry for a port replaces everything that
 * stands beside it, so that blocks it leaves out go back to Istio's defaults.
 */
import type { MeshConfig } from './mesh-config.ts'
import type { DestinationRule } from './select-destination-rule.ts'

export interface TrafficPolicy {
  loadBalancer?: any
  connectionPool?: any
  outlierDetection?: any
  tls?: any
  retryBudget?: any
}

/** The policy for a port of a subset, or of the whole host. */
export function policyOf(rule: DestinationRule | undefined, subset: any, port: number, mesh: MeshConfig): TrafficPolicy {
  const whole = rule?.trafficPolicy
  let policy: TrafficPolicy = portLevel(whole, port) ?? whole ?? {}
  const own = subset?.trafficPolicy
  if (own != null) {
    const atPort = portLevel(own, port)
    // A subset's entry for the port replaces all it can speak of; only the rule's own budget stays.
    policy = atPort === undefined ? overlay(policy, own) : { ...atPort, retryBudget: policy.retryBudget }
  }
  if (wantsSecret(policy.tls) && rule?.selector === undefined) policy = { ...policy, tls: undefined }
  return mesh.defaultTrafficPolicy === undefined ? policy : overlay(mesh.defaultTrafficPolicy, policy)
}

/** A secret of Kubernetes is given to workloads that a selector chooses; for all others istiod leaves the settings out. */
function wantsSecret(tls: any): boolean {
  return Boolean(tls?.credentialName) && !tls.credentialName.startsWith('configmap://') && (tls.mode === 'SIMPLE' || tls.mode === 'MUTUAL')
}

function portLevel(policy: any, port: number): TrafficPolicy | undefined {
  const found = policy?.portLevelSettings?.find((entry: any) => Number(entry.port?.number) === port)
  if (found === undefined) return undefined
  const { loadBalancer, connectionPool, outlierDetection, tls } = found
  return { loadBalancer, connectionPool, outlierDetection, tls }
}

function overlay(under: TrafficPolicy, over: TrafficPolicy): TrafficPolicy {
  return {
    loadBalancer: over.loadBalancer ?? under.loadBalancer,
    connectionPool: over.connectionPool ?? under.connectionPool,
    outlierDetection: over.outlierDetection ?? under.outlierDetection,
    tls: over.tls ?? under.tls,
    retryBudget: over.retryBudget ?? under.retryBudget,
  }
}
