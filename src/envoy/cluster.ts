/**
 * Envoy v3 configuration as plain JSON, in proto3-JSON names (camelCase); only the parts that Istio emits and the engine reads. Durations
 * are strings like `10s` or `0.025s`; 64-bit and wrapped integers are plain numbers.
 */

export type DurationString = string

export interface Percent {
  value: number
}

export interface FractionalPercent {
  numerator?: number
  /** Default HUNDRED. */
  denominator?: 'HUNDRED' | 'TEN_THOUSAND' | 'MILLION'
}

export interface SocketAddress {
  address: string
  portValue: number
}

export interface Address {
  socketAddress?: SocketAddress
  pipe?: { path: string }
}

export interface Locality {
  region?: string
  zone?: string
  subZone?: string
}

export interface Cluster {
  name: string
  type?: 'STATIC' | 'EDS' | 'STRICT_DNS' | 'LOGICAL_DNS' | 'ORIGINAL_DST'
  connectTimeout?: DurationString
  lbPolicy?: 'ROUND_ROBIN' | 'LEAST_REQUEST' | 'RANDOM' | 'RING_HASH' | 'MAGLEV' | 'CLUSTER_PROVIDED'
  leastRequestLbConfig?: { choiceCount?: number; slowStartConfig?: SlowStartConfig; activeRequestBias?: { defaultValue: number } }
  roundRobinLbConfig?: { slowStartConfig?: SlowStartConfig }
  originalDstLbConfig?: { upstreamPortOverride?: number }
  ringHashLbConfig?: { minimumRingSize?: number; maximumRingSize?: number }
  maglevLbConfig?: { tableSize?: number }
  commonLbConfig?: {
    healthyPanicThreshold?: Partial<Percent>
    localityWeightedLbConfig?: Record<string, never>
    zoneAwareLbConfig?: Record<string, unknown>
  }
  circuitBreakers?: { thresholds?: CircuitBreakerThresholds[] }
  outlierDetection?: OutlierDetection
  loadAssignment?: ClusterLoadAssignment
  edsClusterConfig?: { serviceName?: string; edsConfig?: unknown }
  dnsRefreshRate?: DurationString
  dnsJitter?: DurationString
  respectDnsTtl?: boolean
  dnsLookupFamily?: 'AUTO' | 'V4_ONLY' | 'V6_ONLY' | 'V4_PREFERRED' | 'ALL'
  typedExtensionProtocolOptions?: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'?: HttpProtocolOptions }
  upstreamConnectionOptions?: { tcpKeepalive?: { keepaliveProbes?: number; keepaliveTime?: number; keepaliveInterval?: number } }
  transportSocket?: TransportSocket
  metadata?: Metadata
  altStatName?: string
  /** Ours: active health checks and other settings that Istio cannot say. */
  healthChecks?: HealthCheck[]
}

export interface HealthCheck {
  timeout?: DurationString
  interval?: DurationString
  unhealthyThreshold?: number
  healthyThreshold?: number
  initialJitter?: DurationString
  intervalJitter?: DurationString
  unhealthyInterval?: DurationString
  unhealthyEdgeInterval?: DurationString
  healthyEdgeInterval?: DurationString
  reuseConnection?: boolean
  httpHealthCheck?: {
    host?: string
    path: string
    method?: string
    requestHeadersToAdd?: { header: { key: string; value: string } }[]
    /** [start, end) */
    expectedStatuses?: { start: number; end: number }[]
    retriableStatuses?: { start: number; end: number }[]
  }
  tcpHealthCheck?: Record<string, never>
}

export interface SlowStartConfig {
  slowStartWindow?: DurationString
  aggression?: { defaultValue: number; runtimeKey?: string }
  minWeightPercent?: Partial<Percent>
}

export interface CircuitBreakerThresholds {
  priority?: 'DEFAULT' | 'HIGH'
  maxConnections?: number
  maxPendingRequests?: number
  maxRequests?: number
  maxRetries?: number
  retryBudget?: { budgetPercent?: Partial<Percent>; minRetryConcurrency?: number }
  trackRemaining?: boolean
}

/** Envoy's outlier detection; unset fields have Envoy's defaults (see traffic/upstream/outlier). */
export interface OutlierDetection {
  consecutive5xx?: number
  interval?: DurationString
  baseEjectionTime?: DurationString
  maxEjectionPercent?: number
  enforcingConsecutive5xx?: number
  enforcingSuccessRate?: number
  successRateMinimumHosts?: number
  successRateRequestVolume?: number
  successRateStdevFactor?: number
  consecutiveGatewayFailure?: number
  enforcingConsecutiveGatewayFailure?: number
  splitExternalLocalOriginErrors?: boolean
  consecutiveLocalOriginFailure?: number
  enforcingConsecutiveLocalOriginFailure?: number
  enforcingLocalOriginSuccessRate?: number
  failurePercentageThreshold?: number
  enforcingFailurePercentage?: number
  enforcingFailurePercentageLocalOrigin?: number
  failurePercentageMinimumHosts?: number
  failurePercentageRequestVolume?: number
  maxEjectionTime?: DurationString
  maxEjectionTimeJitter?: DurationString
  alwaysEjectOneHost?: boolean
  successfulActiveHealthCheckUnejectHost?: boolean
}

export interface HttpProtocolOptions {
  '@type'?: string
  explicitHttpConfig?: { httpProtocolOptions?: Record<string, unknown>; http2ProtocolOptions?: { maxConcurrentStreams?: number } }
  useDownstreamProtocolConfig?: { httpProtocolOptions?: Record<string, unknown>; http2ProtocolOptions?: { maxConcurrentStreams?: number } }
  commonHttpProtocolOptions?: { idleTimeout?: DurationString; maxConnectionDuration?: DurationString; maxRequestsPerConnection?: number }
  outlierDetection?: { errorMatcher?: unknown }
  upstreamHttpProtocolOptions?: { autoSni?: boolean; autoSanValidation?: boolean }
}

export interface TransportSocket {
  name: string
  typedConfig?: {
    '@type'?: string
    sni?: string
    commonTlsContext?: {
      tlsCertificates?: { certificateChain?: { filename?: string }; privateKey?: { filename?: string } }[]
      validationContext?: {
        trustedCa?: { filename?: string }
        matchSubjectAltNames?: { exact?: string }[]
        trustChainVerification?: string
      }
      combinedValidationContext?: unknown
      alpnProtocols?: string[]
      [field: string]: unknown
    }
    [field: string]: unknown
  }
}

export interface Metadata {
  filterMetadata?: Record<string, any>
}

export interface ClusterLoadAssignment {
  clusterName: string
  endpoints?: LocalityLbEndpoints[]
}

export interface LocalityLbEndpoints {
  locality?: Locality
  lbEndpoints?: LbEndpoint[]
  loadBalancingWeight?: number
  priority?: number
}

export interface LbEndpoint {
  endpoint: { address: Address; hostname?: string; additionalAddresses?: { address: Address }[] }
  healthStatus?: 'UNKNOWN' | 'HEALTHY' | 'UNHEALTHY' | 'DRAINING' | 'DEGRADED'
  loadBalancingWeight?: number
  /** `filterMetadata['envoy.lb']`-like: labels under `filterMetadata.istio.labels` are kept by us for setEndpoints and snapshots. */
  metadata?: Metadata
}
