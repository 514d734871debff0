/** How a traffic policy is said in Envoy's words: load balancer, limits, outlier detection, protocol and TLS of a cluster. */
import { parseDuration } from '../../base/time/duration.ts'
import type { CircuitBreakerThresholds, Cluster, HttpProtocolOptions, SlowStartConfig, TransportSocket } from '../../envoy/index.ts'
import { placementOf, prefersNear } from './cluster-locality.ts'
import type { TrafficPolicy } from './merge-policies.ts'
import type { MeshConfig } from './mesh-config.ts'
import { type Declared, isHttp, isHttp2, isSniffed, type ServicePort } from './select-services.ts'

/** What Istio writes where nothing is limited: 2^32-1. */
const UNLIMITED = 4294967295

/** A Go duration as protobuf writes it: `1m30s` is `90s`. */
export function protoDuration(text: unknown): string {
  return `${(parseDuration(String(text)) ?? 0) / 1000}s`
}

export function applyPolicy(cluster: Cluster, policy: TrafficPolicy, service: Declared, port: ServicePort, mesh: MeshConfig): void {
  cluster.circuitBreakers = { thresholds: [thresholds(policy)] }
  applyConnections(cluster, policy.connectionPool?.tcp, mesh)
  applyOutlierDetection(cluster, policy.outlierDetection)
  if (prefersNear(service) !== undefined) cluster.commonLbConfig!.healthyPanicThreshold = { value: 0 }
  applyLoadBalancer(cluster, policy.loadBalancer, service, mesh)
  const options = protocolOptions(policy, port, mesh)
  if (options !== undefined) cluster.typedExtensionProtocolOptions = { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': options }
  const socket = transportSocket(policy.tls)
  if (socket !== undefined) cluster.transportSocket = socket
}

function thresholds({ connectionPool: pool, retryBudget: budget }: TrafficPolicy): CircuitBreakerThresholds {
  const limits: CircuitBreakerThresholds = {
    maxConnections: Number(pool?.tcp?.maxConnections) || UNLIMITED, // a zero means "not set", as for all of them
    maxPendingRequests: Number(pool?.http?.http1MaxPendingRequests) || UNLIMITED,
    maxRequests: Number(pool?.http?.http2MaxRequests) || UNLIMITED,
    maxRetries: Number(pool?.http?.maxRetries) || UNLIMITED,
  }
  if (budget != null)
    limits.retryBudget = {
      budgetPercent: { value: Number(budget.percent ?? 20) },
      minRetryConcurrency: Number(budget.minRetryConcurrency) || 3,
    }
  return limits
}

function applyConnections(cluster: Cluster, tcp: any, mesh: MeshConfig): void {
  cluster.connectTimeout = protoDuration(tcp?.connectTimeout ?? mesh.connectTimeout ?? '10s')
  if (tcp?.tcpKeepalive == null && mesh.tcpKeepalive == null) return
  const keepalive = { ...mesh.tcpKeepalive, ...tcp?.tcpKeepalive } // field by field, unlike everything else
  const said: { keepaliveProbes?: number; keepaliveTime?: number; keepaliveInterval?: number } = {}
  if (keepalive.probes) said.keepaliveProbes = Number(keepalive.probes)
  if (keepalive.time) said.keepaliveTime = Math.floor((parseDuration(keepalive.time) ?? 0) / 1000)
  if (keepalive.interval) said.keepaliveInterval = Math.floor((parseDuration(keepalive.interval) ?? 0) / 1000)
  cluster.upstreamConnectionOptions = { tcpKeepalive: said }
}

/** Only what is said is sent; Envoy has its own defaults. Panic mode is off as soon as there is outlier detection, unless asked for. */
function applyOutlierDetection(cluster: Cluster, outlier: any): void {
  cluster.commonLbConfig = {}
  if (outlier == null) return
  const out: NonNullable<Cluster['outlierDetection']> = { enforcingSuccessRate: 0 }
  if (outlier.consecutive5xxErrors != null) {
    out.consecutive5xx = Number(outlier.consecutive5xxErrors)
    out.enforcingConsecutive5xx = out.consecutive5xx > 0 ? 100 : 0
  }
  if (outlier.consecutiveGatewayErrors != null) {
    out.consecutiveGatewayFailure = Number(outlier.consecutiveGatewayErrors)
    out.enforcingConsecutiveGatewayFailure = out.consecutiveGatewayFailure > 0 ? 100 : 0
  }
  if (outlier.interval != null) out.interval = protoDuration(outlier.interval)
  if (outlier.baseEjectionTime != null) out.baseEjectionTime = protoDuration(outlier.baseEjectionTime)
  if (Number(outlier.maxEjectionPercent) > 0) out.maxEjectionPercent = Number(outlier.maxEjectionPercent)
  if (outlier.splitExternalLocalOriginErrors) {
    out.splitExternalLocalOriginErrors = true
    out.enforcingLocalOriginSuccessRate = 0
    if (Number(outlier.consecutiveLocalOriginFailures) > 0) {
      out.consecutiveLocalOriginFailure = Number(outlier.consecutiveLocalOriginFailures)
      out.enforcingConsecutiveLocalOriginFailure = 100
    }
  }
  cluster.outlierDetection = out
  cluster.commonLbConfig.healthyPanicThreshold = { value: Number(outlier.minHealthPercent ?? 0) }
}

function applyLoadBalancer(cluster: Cluster, lb: any, service: Declared, mesh: MeshConfig): void {
  const { setting: locality, forced } = placementOf(lb?.localityLbSetting, mesh.localityLbSetting, service)
  const failsOver = (forced || cluster.outlierDetection !== undefined) && (locality?.failover?.length || locality?.failoverPriority?.length)
  if (failsOver || locality?.distribute?.length) cluster.commonLbConfig!.localityWeightedLbConfig = {}

  if (cluster.type === 'ORIGINAL_DST' || lb?.simple === 'PASSTHROUGH') {
    cluster.type = 'ORIGINAL_DST'
    cluster.lbPolicy = 'CLUSTER_PROVIDED'
    return
  }
  const slowStart = slowStartOf(lb)
  if (lb?.simple === 'RANDOM') cluster.lbPolicy = 'RANDOM'
  else if (lb?.simple === 'ROUND_ROBIN') {
    // Envoy's own default, which proto3 leaves out.
    if (slowStart !== undefined) cluster.roundRobinLbConfig = { slowStartConfig: slowStart }
  } else {
    cluster.lbPolicy = 'LEAST_REQUEST'
    if (slowStart !== undefined) cluster.leastRequestLbConfig = { slowStartConfig: slowStart }
  }
  if (lb?.consistentHash != null) applyHash(cluster, lb.consistentHash)
}

/** Instead of the policy above; what was configured for that one stays when there is nothing to configure here, as in Istio. */
function applyHash(cluster: Cluster, hash: any): void {
  cluster.lbPolicy = hash.maglev != null ? 'MAGLEV' : 'RING_HASH'
  const size = Number(
    hash.maglev != null ? hash.maglev.tableSize : hash.ringHash != null ? hash.ringHash.minimumRingSize : hash.minimumRingSize || 1024,
  )
  if (!size) return
  delete cluster.leastRequestLbConfig
  if (hash.maglev != null) cluster.maglevLbConfig = { tableSize: size }
  else cluster.ringHashLbConfig = { minimumRingSize: size }
}

function slowStartOf(lb: any): SlowStartConfig | undefined {
  const { warmup, warmupDurationSecs } = lb ?? {}
  if (warmup == null) return warmupDurationSecs == null ? undefined : { slowStartWindow: protoDuration(warmupDurationSecs) }
  return {
    slowStartWindow: protoDuration(warmup.duration),
    minWeightPercent: { value: Number(warmup.minimumPercent ?? 10) },
    aggression: { defaultValue: Number(warmup.aggression ?? 1), runtimeKey: '(' }, // the key is what istiod really sends
  }
}

function protocolOptions(
  { connectionPool: pool, outlierDetection, tls }: TrafficPolicy,
  port: ServicePort,
  mesh: MeshConfig,
): HttpProtocolOptions | undefined {
  const http = pool?.http
  const common: NonNullable<HttpProtocolOptions['commonHttpProtocolOptions']> = {}
  const idle = http?.idleTimeout ?? pool?.tcp?.idleTimeout
  if (idle != null) common.idleTimeout = protoDuration(idle)
  if (Number(http?.maxRequestsPerConnection) > 0) common.maxRequestsPerConnection = Number(http.maxRequestsPerConnection)
  if (pool?.tcp?.maxConnectionDuration != null) common.maxConnectionDuration = protoDuration(pool.tcp.maxConnectionDuration)

  const h2: { maxConcurrentStreams?: number } = {}
  if (Number(http?.maxConcurrentStreams) > 0) h2.maxConcurrentStreams = Number(http.maxConcurrentStreams)

  const options: HttpProtocolOptions = {
    '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
  }
  const autoSni = isClientTls(tls) && !tls.sni
  const hasCommon = Object.keys(common).length > 0
  if (hasCommon) options.commonHttpProtocolOptions = common
  const codes: readonly unknown[] = outlierDetection?.outlierDetectionHttpErrorCodes ?? []
  if (codes.length > 0) options.outlierDetection = { errorMatcher: { orMatch: { rules: codes.map(hasStatus) } } }
  if (autoSni) {
    options.upstreamHttpProtocolOptions = { autoSni: true }
    if (!tls.subjectAltNames?.length && !tls.insecureSkipVerify) options.upstreamHttpProtocolOptions.autoSanValidation = true
  }
  if (http?.useClientProtocol || isSniffed(port)) {
    options.useDownstreamProtocolConfig = { httpProtocolOptions: {}, http2ProtocolOptions: {} }
    return options
  }
  if (isHttp2(port) || upgrades(http?.h2UpgradePolicy, port, mesh)) {
    options.explicitHttpConfig = { http2ProtocolOptions: h2 }
    return options
  }
  if (!hasCommon && !autoSni && codes.length === 0) return undefined
  options.explicitHttpConfig = { httpProtocolOptions: {} }
  return options
}

const isClientTls = (tls: any): boolean => tls?.mode === 'SIMPLE' || tls?.mode === 'MUTUAL'

const hasStatus = (code: unknown) => ({
  httpResponseHeadersMatch: { headers: [{ name: ':status', stringMatch: { exact: String(code) } }] },
})

function upgrades(policy: unknown, port: ServicePort, mesh: MeshConfig): boolean {
  if (policy === 'UPGRADE') return true
  return policy !== 'DO_NOT_UPGRADE' && isHttp(port) && mesh.h2UpgradePolicy === 'UPGRADE'
}

/** Files instead of the secret service that istiod names: the process reads them itself. ISTIO_MUTUAL needs an agent and is not executed. */
function transportSocket(tls: any): TransportSocket | undefined {
  if (!isClientTls(tls)) return undefined
  const validation: Record<string, unknown> = {}
  if (tls.caCertificates) validation.trustedCa = { filename: tls.caCertificates }
  if (tls.caCrl) validation.crl = { filename: tls.caCrl }
  if (tls.subjectAltNames?.length) validation.matchSubjectAltNames = tls.subjectAltNames.map((exact: string) => ({ exact }))
  if (tls.insecureSkipVerify) validation.trustChainVerification = 'ACCEPT_UNTRUSTED'
  const commonTlsContext: Record<string, unknown> = { validationContext: validation }
  if (tls.mode === 'MUTUAL' && tls.clientCertificate)
    commonTlsContext.tlsCertificates = [{ certificateChain: { filename: tls.clientCertificate }, privateKey: { filename: tls.privateKey } }]
  const typedConfig: Record<string, unknown> = {
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
    commonTlsContext,
  }
  if (tls.sni) typedConfig.sni = tls.sni
  return { name: 'envoy.transport_sockets.tls', typedConfig }
}
