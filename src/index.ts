/**
 * Istio traffic rules, inside your process. No sidecar.
 *
 * The composition root: it alone knows every room, and joins the mesh with the ways in.
 */
import { createTransport } from '#transport'
import { axiosAdapter } from './adapters/axios/adapter.ts'
import { makeFetch } from './adapters/outbound/fetch.ts'
import { forPlatform } from './adapters/outbound/platform-response.ts'
import { isRecord } from './core/schema/index.ts'
import type { Transport } from './core/transport.ts'
import { MeshCore } from './mesh/mesh.ts'
import type { MeshOptions, TypedMeshOptions } from './mesh/options.ts'
import { governed, type Mesh } from './mesh/public.ts'
import type { NodeTransportOptions } from './traffic/transport/node.ts'
import { upstream as makeUpstream, type Upstream, type UpstreamOptions } from './traffic/upstream/factories/upstream.ts'

export { governFetch } from './adapters/outbound/govern.ts'
export type { AxiosLike } from './adapters/outbound/govern-axios.ts'
export { governAxios } from './adapters/outbound/govern-axios.ts'
export type { Size } from './base/formats/size.ts'
export type { Call } from './core/call.ts'
export { attachOutcome, type Outcome, outcomeOf } from './core/outcome.ts'
export type { ResolvedAddress, Resolver } from './core/resolver.ts'
export type { SourceSurroundings } from './core/source.ts'
export { type Source, type SourceSet, TIGHT, type Trust } from './core/source.ts'
export type {
  BodyReader,
  BodySource,
  Connection,
  ConnectionListener,
  ConnectTarget,
  ResetReason,
  Stream,
  StreamListener,
  TlsSettings,
  Transport,
  TransportLimit,
  WireBody,
  WireRequest,
  WireResponse,
} from './core/transport.ts'
/** Envoy's configuration, which `translate` gives. */
export type * as envoy from './envoy/index.ts'
export type { AdminOptions, AdminServer } from './mesh/admin-options.ts'
export type { MeshEvents } from './mesh/events.ts'
export type { ExplainedDestination, ExplainedEndpoint, ExplainHeaders, ExplainRequest, Explanation, TriedRoute } from './mesh/explain.ts'
export type { Place, Value } from './mesh/explain-values.ts'
export type { FieldChange } from './mesh/field-changes.ts'
export type { Action, Version } from './mesh/history.ts'
export type {
  Applied,
  ChangeOptions,
  CloseOptions,
  EjectOptions,
  EndpointInput,
  MeshOptions,
  Mode,
  PlanOptions,
  ReadyOptions,
  RuleInput,
  TypedMeshOptions,
  WorkloadOptions,
} from './mesh/options.ts'
export type { Change, Changes, ClusterChange, DocumentChange, Plan } from './mesh/plan.ts'
export type { Mesh, MeshMethods } from './mesh/public.ts'
export { RuleError } from './mesh/rule-error.ts'
export type { EndpointSnapshot, MeshSnapshot } from './mesh/snapshot.ts'
export type { SourceStatus } from './mesh/source-feed.ts'
export type { RetryBudget } from './policies/index.ts' // the policy's; Istio's of this name is settings of a DestinationRule
export * from './policies/index.ts'
export type { Diagnostic, Severity } from './rules/istio/diagnostic.ts'
export type { DocumentMetadata, ResiliencePolicy } from './rules/istio/documents.ts'
export type { RulesInput } from './rules/istio/parse.ts'
export type { ResilienceTarget } from './rules/istio/resilience-policy.ts'
export type { TypedRules } from './rules/istio/typed-rules.ts'
export type * from './rules/istio/types.ts'
export type { RetryBudget as IstioRetryBudget } from './rules/istio/types.ts'
export { type FilesOptions, files } from './rules/sources/files.ts'
export type { TranslateInput } from './rules/translate.ts'
export { translate } from './rules/translate.ts'
export type { ValidateOptions } from './rules/validate.ts'
export { validate } from './rules/validate.ts'
export type { GuardBreaker } from './traffic/engine/guard.ts'
export { type FetchTransportOptions, fetchTransport } from './traffic/transport/fetch.ts'
export type { ConnectionPoolEvents } from './traffic/upstream/factories/connection-pool.ts'
export { type ConnectionPool, type ConnectionPoolOptions, connectionPool } from './traffic/upstream/factories/connection-pool.ts'
export {
  type Endpoint,
  type LoadBalancer,
  type LoadBalancerOptions,
  loadBalancer,
  type Picked,
} from './traffic/upstream/factories/load-balancer.ts'
export type { HealthCheckOptions } from './traffic/upstream/factories/options/health-check.ts'
export type { UpstreamEndpoint } from './traffic/upstream/factories/options/upstream.ts'
export type { CallOutcome, OutcomeOf } from './traffic/upstream/factories/outcome.ts'
export type { OutlierDetectorEvents } from './traffic/upstream/factories/outlier-detector.ts'
export { type OutlierDetectionOptions, type OutlierDetector, outlierDetector } from './traffic/upstream/factories/outlier-detector.ts'
export type { Upstream, UpstreamEvents, UpstreamOptions } from './traffic/upstream/factories/upstream.ts'
export { type WeightedDestination, type WeightedRouter, weightedRouter } from './traffic/upstream/factories/weighted-router.ts'
export type { NativeClusterOptions, NativeOptions } from './traffic/upstream/native.ts'
export type { EjectionKind, LocalResult } from './traffic/upstream/outlier/detector.ts'

export type { NodeTransportOptions }

/**
 * The transport of this runtime: on Node our own connections; elsewhere one over global fetch.
 *
 * @example
 * const mesh = createMesh({ rules, transport: nodeTransport({ connectTo: { '10.0.0.1:9080': '127.0.0.1:8080' } }) })
 * await mesh.close()
 */
export const nodeTransport: (options?: NodeTransportOptions) => Transport = createTransport

/**
 * Makes a mesh: the rules that govern this process's outgoing requests.
 *
 * @throws RuleError when the initial rules are wrong; it names every fault with its place.
 * @example
 * const mesh = createMesh({ rules })
 * const response = await mesh.fetch('http://reviews:9080/reviews/1')
 * console.log(response.status, await response.text()) // => 200 hello
 */
export function createMesh<const O = MeshOptions>(options?: TypedMeshOptions<O>): Mesh {
  const given: MeshOptions = options === undefined ? {} : (options as MeshOptions)
  const core = new MeshCore(given, given?.transport ?? createTransport())
  return governed(
    core,
    (handle, care) => forPlatform(makeFetch(handle, care)),
    axiosAdapter,
    async (of, o) => (await import('#admin')).admin(of, o),
  )
}

/**
 * A cluster for code: see `Upstream`. Active health checks go over this runtime's transport unless another is given.
 *
 * @throws OptionsError naming every wrong option and endpoint.
 * @example
 * const pool = upstream({ endpoints: [{ address: '10.0.0.1:80' }], outlierDetection: { consecutive5xxErrors: 3 } })
 * const response = await pool.execute(call => fetch(`http://${call.endpoint}/`, { signal: call.signal }))
 * console.log(response.status) // => 200
 */
export function upstream(options: UpstreamOptions, around: Parameters<typeof makeUpstream>[1] = {}): Upstream {
  const checks = options?.healthChecks !== undefined && isRecord(around) && around['transport'] === undefined
  return makeUpstream(options, checks ? { ...around, transport: createTransport() } : around)
}
