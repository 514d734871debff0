/** Envoy's route configuration, proto3-JSON names. See cluster.ts for the conventions. */
import type { DurationString, FractionalPercent, Metadata } from './cluster.ts'

/** One per port of the outbound listeners; `name` is the port. */
export interface RouteConfiguration {
  name: string
  virtualHosts?: VirtualHost[]
  validateClusters?: boolean
  ignorePortInHostMatching?: boolean
  maxDirectResponseBodySizeBytes?: number
}

export interface VirtualHost {
  name: string
  /** Exact, `*.suffix`, `prefix.*` or `*`. */
  domains: string[]
  routes?: Route[]
  includeRequestAttemptCount?: boolean
}

export interface Route {
  /** Prefix of the route's own statistics. */
  statPrefix?: string
  name?: string
  match: RouteMatch
  route?: RouteAction
  redirect?: RedirectAction
  directResponse?: DirectResponseAction
  metadata?: Metadata
  decorator?: { operation?: string }
  requestHeadersToAdd?: HeaderValueOption[]
  requestHeadersToRemove?: string[]
  responseHeadersToAdd?: HeaderValueOption[]
  responseHeadersToRemove?: string[]
  typedPerFilterConfig?: { 'envoy.filters.http.fault'?: HttpFault; 'envoy.filters.http.cors'?: CorsPolicy; [filter: string]: unknown }
}

export interface RouteMatch {
  path?: string
  prefix?: string
  pathSeparatedPrefix?: string
  safeRegex?: RegexMatcher
  /** Default true; not for regexes. */
  caseSensitive?: boolean
  headers?: HeaderMatcher[]
  queryParameters?: QueryParameterMatcher[]
}

export interface RegexMatcher {
  googleRe2?: Record<string, never>
  regex: string
}

export interface StringMatcher {
  exact?: string
  prefix?: string
  suffix?: string
  contains?: string
  safeRegex?: RegexMatcher
  ignoreCase?: boolean
}

export interface HeaderMatcher {
  name: string
  stringMatch?: StringMatcher
  presentMatch?: boolean
  invertMatch?: boolean
  treatMissingHeaderAsEmpty?: boolean
  /** Older forms that some translators still emit. */
  exactMatch?: string
  prefixMatch?: string
  safeRegexMatch?: RegexMatcher
}

export interface QueryParameterMatcher {
  name: string
  stringMatch?: StringMatcher
  presentMatch?: boolean
}

export interface HeaderValueOption {
  header: { key: string; value?: string }
  /** Default APPEND_IF_EXISTS_OR_ADD. */
  appendAction?: 'APPEND_IF_EXISTS_OR_ADD' | 'ADD_IF_ABSENT' | 'OVERWRITE_IF_EXISTS_OR_ADD' | 'OVERWRITE_IF_EXISTS'
  keepEmptyValue?: boolean
}

export interface RouteAction {
  cluster?: string
  weightedClusters?: WeightedClusters
  clusterHeader?: string
  prefixRewrite?: string
  regexRewrite?: { pattern: RegexMatcher; substitution: string }
  hostRewriteLiteral?: string
  autoHostRewrite?: boolean
  appendXForwardedHost?: boolean
  timeout?: DurationString
  retryPolicy?: RetryPolicy
  requestMirrorPolicies?: RequestMirrorPolicy[]
  hashPolicy?: HashPolicy[]
  maxStreamDuration?: { maxStreamDuration?: DurationString; grpcTimeoutHeaderMax?: DurationString }
  maxGrpcTimeout?: DurationString
  hedgePolicy?: { hedgeOnPerTryTimeout?: boolean }
}

export interface WeightedClusters {
  clusters: WeightedCluster[]
  totalWeight?: number
  headerName?: string
  useHashPolicy?: boolean
}

export interface WeightedCluster {
  name: string
  weight?: number
  requestHeadersToAdd?: HeaderValueOption[]
  requestHeadersToRemove?: string[]
  responseHeadersToAdd?: HeaderValueOption[]
  responseHeadersToRemove?: string[]
  hostRewriteLiteral?: string
}

export interface RetryPolicy {
  retryOn?: string
  numRetries?: number
  perTryTimeout?: DurationString
  retriableStatusCodes?: number[]
  retryHostPredicate?: { name: string; typedConfig?: unknown }[]
  retryPriority?: { name: string; typedConfig?: { '@type'?: string; updateFrequency?: number } }
  hostSelectionRetryMaxAttempts?: number
  retryBackOff?: { baseInterval: DurationString; maxInterval?: DurationString }
}

export interface RequestMirrorPolicy {
  cluster: string
  runtimeFraction?: { defaultValue: FractionalPercent }
  disableShadowHostSuffixAppend?: boolean
}

export interface HashPolicy {
  header?: { headerName: string }
  cookie?: { name: string; ttl?: DurationString; path?: string; attributes?: { name: string; value?: string }[] }
  connectionProperties?: { sourceIp?: boolean }
  queryParameter?: { name: string }
  terminal?: boolean
}

export interface RedirectAction {
  schemeRedirect?: string
  httpsRedirect?: boolean
  hostRedirect?: string
  portRedirect?: number
  pathRedirect?: string
  prefixRewrite?: string
  regexRewrite?: { pattern: RegexMatcher; substitution: string }
  responseCode?: 'MOVED_PERMANENTLY' | 'FOUND' | 'SEE_OTHER' | 'TEMPORARY_REDIRECT' | 'PERMANENT_REDIRECT'
  stripQuery?: boolean
}

export interface DirectResponseAction {
  status: number
  body?: { inlineString?: string; inlineBytes?: string }
}

export interface HttpFault {
  '@type'?: string
  delay?: { fixedDelay?: DurationString; percentage?: FractionalPercent }
  abort?: { httpStatus?: number; grpcStatus?: number; percentage?: FractionalPercent }
}

export interface CorsPolicy {
  '@type'?: string
  allowOriginStringMatch?: StringMatcher[]
  allowMethods?: string
  allowHeaders?: string
  exposeHeaders?: string
  /** Whole seconds, as text. */
  maxAge?: string
  allowCredentials?: boolean
  /** Default true: a preflight of an origin that is not allowed goes to the upstream. */
  forwardNotMatchingPreflights?: boolean
  filterEnabled?: { defaultValue?: FractionalPercent }
}
