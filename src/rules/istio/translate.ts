/**
 * From rule documents to the configuration that istiod would send to the sidecar of a workload, step by step in Pilot's order. Pure: the
 * same documents give the same configuration, and they are never changed. What comes out may share values with them.
 */
import { runNow, type Steps } from '../../base/time/slices.ts'
import type { Cluster, ClusterLoadAssignment, RouteConfiguration } from '../../envoy/index.ts'
import type { Placement } from './cluster-locality.ts'
import { buildClusters } from './clusters.ts'
import type { Diagnostic } from './diagnostic.ts'
import type { RuleDocument } from './document.ts'
import { addEncryptedPorts } from './encrypted-ports.ts'
import type { MeshConfig, Workload } from './mesh-config.ts'
import { buildRoutes } from './routes.ts'
import { DestinationRules } from './select-destination-rule.ts'
import { callerOf, lastOfEachName } from './select-documents.ts'
import { selectScope } from './select-egress.ts'
import { byHost, declaredServices, selectServices } from './select-services.ts'
import { selectVirtualServices } from './select-virtual-services.ts'
import { checkReferences } from './translate-references.ts'
import { type OverreachReport, overreaching } from './trust/overreach.ts'

export interface Translation {
  clusters: Cluster[]
  routes: RouteConfiguration[]
  endpoints: ClusterLoadAssignment[]
  /** How endpoints that do not come from documents are placed, by cluster. */
  placements: ReadonlyMap<string, Placement>
  /** References that lead nowhere; faults inside of a document are found by its validation. */
  diagnostics: Diagnostic[]
  /** What was left out since a source is not trusted with it. */
  overreach: readonly OverreachReport[]
}

export interface TranslateOptions {
  /** Who calls. Default: no labels, namespace `default`, domain `cluster.local`. */
  workload?: Workload
  /** As `readMeshConfig` gives it. Default: Istio's defaults. */
  meshConfig?: MeshConfig
  /** Whether ports of protocol HTTPS and TLS get a route as well: istiod gives them none. */
  encryptedPorts?: boolean
}

export function translateDocuments(documents: readonly RuleDocument[], options: TranslateOptions = {}): Translation {
  return runNow(translating(documents, options))
}

/** The same, interruptible between its steps and within the long ones. */
export function* translating(given: readonly RuleDocument[], options: TranslateOptions = {}): Steps<Translation> {
  const documents = lastOfEachName(given)
  const caller = callerOf(options.workload ?? {}, options.meshConfig ?? {})
  const declared = declaredServices(documents, caller)
  const services = selectServices(documents, caller, declared)
  yield
  const virtualServices = selectVirtualServices(documents, caller)
  const scope = selectScope(documents, declared, services, virtualServices.list, caller)
  const rules = new DestinationRules(documents, caller)
  yield

  const { clusters, endpoints, placements } = yield* buildClusters(scope.services, rules, caller)
  const routes = yield* buildRoutes(scope, rules, caller)
  if (options.encryptedPorts) addEncryptedPorts(routes, scope, rules, caller)
  const diagnostics = checkReferences(virtualServices, byHost(services, caller), rules, caller)
  const overreach = yield* overreaching(documents, declared, virtualServices, caller)
  return { clusters, routes, endpoints, placements, diagnostics, overreach }
}
