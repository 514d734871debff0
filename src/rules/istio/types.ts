/** Types of rule documents. Made from their descriptions by `npm run schema`; not to be edited. */

import type { DocumentMetadata } from './documents.ts'

/** A Go duration: `250ms`, `1.5s`, `1h30m`. */
export type DurationText = string

/** How calls to some hosts are routed. */
export interface VirtualService {
  apiVersion: 'networking.istio.io/v1' | 'networking.istio.io/v1beta1' | 'networking.istio.io/v1alpha3'
  kind: 'VirtualService'
  metadata: DocumentMetadata
  spec: VirtualServiceSpec
  status?: unknown
}

/** What holds for calls to a host once it is chosen. */
export interface DestinationRule {
  apiVersion: 'networking.istio.io/v1' | 'networking.istio.io/v1beta1' | 'networking.istio.io/v1alpha3'
  kind: 'DestinationRule'
  metadata: DocumentMetadata
  spec: DestinationRuleSpec
  status?: unknown
}

/** A service: hosts, ports and endpoints. */
export interface ServiceEntry {
  apiVersion: 'networking.istio.io/v1' | 'networking.istio.io/v1beta1' | 'networking.istio.io/v1alpha3'
  kind: 'ServiceEntry'
  metadata: DocumentMetadata
  spec: ServiceEntrySpec
  status?: unknown
}

/** An endpoint. */
export interface WorkloadEntry {
  apiVersion: 'networking.istio.io/v1' | 'networking.istio.io/v1beta1' | 'networking.istio.io/v1alpha3'
  kind: 'WorkloadEntry'
  metadata: DocumentMetadata
  spec: WorkloadEntrySpec
  status?: unknown
}

/** What a workload sees of the mesh. */
export interface Sidecar {
  apiVersion: 'networking.istio.io/v1' | 'networking.istio.io/v1beta1' | 'networking.istio.io/v1alpha3'
  kind: 'Sidecar'
  metadata: DocumentMetadata
  spec: SidecarSpec
  status?: unknown
}

/** How calls to some hosts are routed. */
export interface VirtualServiceSpec {
  /** Hosts the rules are for; none makes the document a delegate. A wildcard stands at the beginning. */
  hosts?: string[] | undefined
  /** Where the rules hold; without `mesh` among them not here. Default: mesh. */
  gateways?: string[] | undefined
  /** Routes, the first that fits counts. */
  http?: HTTPRoute[] | undefined
  /** Routes of TLS connections. Accepted and ignored, with a warning. */
  tls?: TLSRoute[] | undefined
  /** Routes of TCP connections. Accepted and ignored, with a warning. */
  tcp?: TCPRoute[] | undefined
  /** Namespaces that see this document: ".", "*" or names. Default: *. */
  exportTo?: string[] | undefined
}

/** One rule: conditions, and what is done. */
export interface HTTPRoute {
  /** Name of the route in outcomes and explanations. */
  name?: string | undefined
  /** Any of these conditions. Default: every request. */
  match?: HTTPMatchRequest[] | undefined
  /** Where the request goes; of several one is drawn by weight. */
  route?: HTTPRouteDestination[] | undefined
  /** Answers with a redirect instead. Here: `mesh.fetch` follows it as fetch does, each hop a governed call. */
  redirect?: HTTPRedirect | undefined
  /** Answers at once instead. */
  directResponse?: HTTPDirectResponse | undefined
  /** Hands the rest to a VirtualService without hosts. */
  delegate?: Delegate | undefined
  /** Changes of path and host before sending. */
  rewrite?: HTTPRewrite | undefined
  /** Time of the whole call, retries and body included. Default: none. */
  timeout?: DurationText | undefined
  /** Retries. Default: the mesh's policy, else 2 attempts. */
  retries?: HTTPRetry | undefined
  /** Injected faults. */
  fault?: HTTPFaultInjection | undefined
  /** Gets a copy of each request; its answers are dropped. */
  mirror?: Destination | undefined
  /** Several mirrors. */
  mirrors?: HTTPMirrorPolicy[] | undefined
  /** Deprecated: share of `mirror` in whole percent. */
  mirrorPercent?: number | undefined
  /** Share of `mirror`. Default: 100 %. */
  mirrorPercentage?: Percent | undefined
  /** Cross-origin rules. */
  corsPolicy?: CorsPolicy | undefined
  /** Changes of headers. */
  headers?: HeaderChanges | undefined
}

/** Conditions that hold together. */
export interface HTTPMatchRequest {
  /** Joined to the route's name. */
  name?: string | undefined
  /** The path, without query. */
  uri?: StringMatch | undefined
  /** `http` or `https`. */
  scheme?: StringMatch | undefined
  /** The method. */
  method?: StringMatch | undefined
  /** The Host as the caller wrote it, port and all. */
  authority?: StringMatch | undefined
  /** Headers; names in lower case. Several values of a header are joined by commas. */
  headers?: Record<string, StringMatch> | undefined
  /** The port that is called. */
  port?: number | undefined
  /** Labels of the caller. Here: the mesh's `workload.labels`. */
  sourceLabels?: Record<string, string> | undefined
  /** Gateways the condition is for; `mesh` is every caller in the mesh. */
  gateways?: string[] | undefined
  /** Parameters of the query, as written. */
  queryParams?: Record<string, StringMatch> | undefined
  /** Compares `uri` (exact and prefix) without regard to case. Default: false. */
  ignoreUriCase?: boolean | undefined
  /** Headers that must not match, or not be there. */
  withoutHeaders?: Record<string, StringMatch> | undefined
  /** Namespace of the caller. Here: the mesh's `workload.namespace`. */
  sourceNamespace?: string | undefined
  /** Prefix of statistics. Accepted and ignored, with a warning. */
  statPrefix?: string | undefined
}

/** How a text is compared. An empty one asks whether it is there at all. */
export interface StringMatch {
  /** The whole text. */
  exact?: string | undefined
  /** How the text begins. */
  prefix?: string | undefined
  /** A regular expression in RE2's syntax that the whole text matches, in linear time. */
  regex?: string | undefined
}

/** A weighted destination. */
export interface HTTPRouteDestination {
  /** The destination. */
  destination: Destination
  /** Share among its neighbours; a single destination needs none. Default: 0. */
  weight?: number | undefined
  /** Changes of headers for this destination. */
  headers?: HeaderChanges | undefined
}

/** Where calls go. */
export interface Destination {
  /** A service; a name without a dot belongs to the namespace of the document. */
  host: string
  /** A subset that a DestinationRule of the host names. Default: every endpoint. */
  subset?: string | undefined
  /** Port of the service. Default: the port that was called. */
  port?: PortSelector | undefined
}

/** A port by its number. */
export interface PortSelector {
  /** Number of the port. */
  number?: number | undefined
}

/** Changes of headers on the way there and back. */
export interface HeaderChanges {
  /** Of the request; `host` rewrites the authority. */
  request?: HeaderOperations | undefined
  /** Of the response. */
  response?: HeaderOperations | undefined
}

/** Changes of headers. */
export interface HeaderOperations {
  /** Headers with their new values; formatters such as `%REQ(x)%` are known, a percent sign is `%%`. */
  set?: Record<string, string> | undefined
  /** Headers that get one more value. */
  add?: Record<string, string> | undefined
  /** Headers that are taken off. */
  remove?: string[] | undefined
}

/** An answer that sends the caller elsewhere. */
export interface HTTPRedirect {
  /** The new path. */
  uri?: string | undefined
  /** The new host. */
  authority?: string | undefined
  /** The new port. */
  port?: number | undefined
  /** Where the port comes from. */
  derivePort?: 'FROM_PROTOCOL_DEFAULT' | 'FROM_REQUEST_PORT' | undefined
  /** `http` or `https`. */
  scheme?: string | undefined
  /** Status of the answer: 301, 302, 303, 307 or 308. Default: 301. Here: 304 is an error: Envoy refuses the whole configuration. */
  redirectCode?: number | undefined
}

/** A fixed answer. */
export interface HTTPDirectResponse {
  /** Status of the answer. */
  status: number
  /** Body of the answer, 1 MiB at most. */
  body?: HTTPBody | undefined
}

/** A body. */
export interface HTTPBody {
  /** As text. */
  string?: string | undefined
  /** As base64. */
  bytes?: string | undefined
}

/** Reference to a VirtualService. */
export interface Delegate {
  /** Its name. */
  name?: string | undefined
  /** Its namespace. Default: the own one. */
  namespace?: string | undefined
}

/** A rewrite. */
export interface HTTPRewrite {
  /** Replaces the matched part of the path: the prefix, or all of it. */
  uri?: string | undefined
  /** The new Host. */
  authority?: string | undefined
  /** Replaces by a regular expression. */
  uriRegexRewrite?: RegexRewrite | undefined
}

/** A replacement. */
export interface RegexRewrite {
  /** RE2. */
  match?: string | undefined
  /** With `\1` for the first group. */
  rewrite?: string | undefined
}

/** Whether and how a failed try is repeated. */
export interface HTTPRetry {
  /** Retries after the first try. Default: 0. */
  attempts?: number | undefined
  /** Time of one try, from the connection on. Default: the time of the route. */
  perTryTimeout?: DurationText | undefined
  /** What is retried: conditions and statuses, joined by commas without blanks. Default: connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes. */
  retryOn?: string | undefined
  /** Whether a retry may go to another locality. Default: false. */
  retryRemoteLocalities?: boolean | undefined
  /** Whether a retry avoids endpoints already tried. Default: true, unless one hash decides. */
  retryIgnorePreviousHosts?: boolean | undefined
  /** Base of the wait before a retry; it doubles up to ten times itself, of which a random part is waited. Default: 25ms. */
  backoff?: DurationText | undefined
}

/** Faults made on purpose, before anything else happens. */
export interface HTTPFaultInjection {
  /** A delay. */
  delay?: FaultDelay | undefined
  /** An answer without calling anybody. */
  abort?: FaultAbort | undefined
}

/** A delay. */
export interface FaultDelay {
  /** Deprecated: share in whole percent. */
  percent?: number | undefined
  /** How long. */
  fixedDelay?: DurationText | undefined
  /** Not supported. Refused. */
  exponentialDelay?: DurationText | undefined
  /** Share of the calls. Default: none. */
  percentage?: Percent | undefined
}

/** A percentage; four digits after the point count. */
export interface Percent {
  /** 0 to 100. */
  value?: number | undefined
}

/** An abort. */
export interface FaultAbort {
  /** Status of the answer. */
  httpStatus?: number | undefined
  /** Name of a gRPC status. */
  grpcStatus?: string | undefined
  /** Not supported. Refused. */
  http2Error?: string | undefined
  /** Share of the calls. Default: none. */
  percentage?: Percent | undefined
}

/** A copy of requests. */
export interface HTTPMirrorPolicy {
  /** Who gets it. */
  destination: Destination
  /** Share of the requests. Default: 100 %. */
  percentage?: Percent | undefined
}

/** Cross-origin requests of browsers. */
export interface CorsPolicy {
  /** Deprecated: origins, exactly. */
  allowOrigin?: string[] | undefined
  /** Origins. */
  allowOrigins?: StringMatch[] | undefined
  /** Methods. */
  allowMethods?: string[] | undefined
  /** Headers a request may have. */
  allowHeaders?: string[] | undefined
  /** Headers a page may read. */
  exposeHeaders?: string[] | undefined
  /** How long the answer to a preflight holds, in whole seconds. */
  maxAge?: DurationText | undefined
  /** Whether cookies may be sent. */
  allowCredentials?: boolean | undefined
  /** What becomes of a preflight that matches nothing. Default: FORWARD. */
  unmatchedPreflights?: 'UNSPECIFIED' | 'FORWARD' | 'IGNORE' | undefined
}

/** A route of TLS connections. */
export interface TLSRoute {
  /** Conditions. */
  match: TLSMatchAttributes[]
  /** Weighted destinations. */
  route?: RouteDestination[] | undefined
}

/** Conditions on a TLS connection. */
export interface TLSMatchAttributes {
  /** Addresses that are called. */
  destinationSubnets?: string[] | undefined
  /** The port that is called. */
  port?: number | undefined
  /** Labels of the caller. */
  sourceLabels?: Record<string, string> | undefined
  /** Gateways the condition is for. */
  gateways?: string[] | undefined
  /** Namespace of the caller. */
  sourceNamespace?: string | undefined
  /** Server names. */
  sniHosts: string[]
}

/** A weighted destination. */
export interface RouteDestination {
  /** The destination. */
  destination: Destination
  /** Its share. */
  weight?: number | undefined
}

/** A route of TCP connections. */
export interface TCPRoute {
  /** Conditions. */
  match?: L4MatchAttributes[] | undefined
  /** Weighted destinations. */
  route?: RouteDestination[] | undefined
}

/** Conditions on a TCP connection. */
export interface L4MatchAttributes {
  /** Addresses that are called. */
  destinationSubnets?: string[] | undefined
  /** The port that is called. */
  port?: number | undefined
  /** Labels of the caller. */
  sourceLabels?: Record<string, string> | undefined
  /** Gateways the condition is for. */
  gateways?: string[] | undefined
  /** Namespace of the caller. */
  sourceNamespace?: string | undefined
  /** Address of the caller. */
  sourceSubnet?: string | undefined
}

/** What holds for calls to a host once it is chosen. */
export interface DestinationRuleSpec {
  /** The host; a name without a dot belongs to the namespace of the document. */
  host: string
  /** Policy of the host. */
  trafficPolicy?: TrafficPolicy | undefined
  /** Named groups of endpoints. */
  subsets?: Subset[] | undefined
  /** Namespaces that see this document: ".", "*" or names. Default: *. */
  exportTo?: string[] | undefined
  /** Callers this is for. Here: the mesh's `workload.labels`. */
  workloadSelector?: PodSelector | undefined
}

/** What holds for calls to a host, a subset or a port. */
export interface TrafficPolicy {
  /** How an endpoint is chosen. */
  loadBalancer?: LoadBalancerSettings | undefined
  /** Limits. */
  connectionPool?: ConnectionPoolSettings | undefined
  /** When an endpoint is left out. Default: never. */
  outlierDetection?: OutlierDetection | undefined
  /** TLS. */
  tls?: ClientTLSSettings | undefined
  /** Policies of ports; each replaces the whole policy for its port. */
  portLevelSettings?: PortTrafficPolicy[] | undefined
  /** Sends TCP through a proxy. Accepted and ignored, with a warning. */
  tunnel?: TunnelSettings | undefined
  /** Says the caller’s address to the server. Accepted and ignored, with a warning. */
  proxyProtocol?: ProxyProtocol | undefined
  /** Bounds retries to a share of the calls that run. Default: none. */
  retryBudget?: RetryBudget | undefined
}

/** How an endpoint is chosen. */
export interface LoadBalancerSettings {
  /** A rule without memory of the request. Default: LEAST_REQUEST. */
  simple?: 'UNSPECIFIED' | 'LEAST_CONN' | 'RANDOM' | 'PASSTHROUGH' | 'ROUND_ROBIN' | 'LEAST_REQUEST' | undefined
  /** By a hash. */
  consistentHash?: ConsistentHashLB | undefined
  /** Near and far. Default: the mesh's. Here: the caller is at the mesh's `workload.locality`. */
  localityLbSetting?: LocalityLoadBalancerSetting | undefined
  /** Deprecated: the duration of a warm-up. */
  warmupDurationSecs?: DurationText | undefined
  /** New endpoints get their share little by little. */
  warmup?: WarmupConfiguration | undefined
}

/** The endpoint is chosen by a hash of the request. */
export interface ConsistentHashLB {
  /** Hashes a header. */
  httpHeaderName?: string | undefined
  /** Hashes a cookie, and makes one when there is none. */
  httpCookie?: HTTPCookie | undefined
  /** Hashes the address of the caller. Here: X-Forwarded-For when there is one; otherwise every call of this process is alike. */
  useSourceIp?: boolean | undefined
  /** Hashes a parameter of the query. */
  httpQueryParameterName?: string | undefined
  /** By a ring. */
  ringHash?: RingHash | undefined
  /** By a Maglev table. */
  maglev?: MagLev | undefined
  /** Deprecated: as in ringHash. */
  minimumRingSize?: number | undefined
}

/** A cookie. */
export interface HTTPCookie {
  /** Its name. */
  name: string
  /** Its path. */
  path?: string | undefined
  /** Its life; 0s: as long as the session; absent: no cookie is made. */
  ttl?: DurationText | undefined
  /** Further attributes. */
  attributes?: CookieAttribute[] | undefined
}

/** An attribute. */
export interface CookieAttribute {
  /** Its name. */
  name: string
  /** Its value. */
  value?: string | undefined
}

/** A ring. */
export interface RingHash {
  /** Places on the ring, at least. Default: 1024. */
  minimumRingSize?: number | undefined
}

/** A table. */
export interface MagLev {
  /** A prime number below 5000011. Default: 65537. */
  tableSize?: number | undefined
}

/** Near and far endpoints. */
export interface LocalityLoadBalancerSetting {
  /** Shares of calls by locality. */
  distribute?: LocalityDistribute[] | undefined
  /** Which region takes over. */
  failover?: LocalityFailover[] | undefined
  /** Labels; endpoints that share more of them with the caller come first. */
  failoverPriority?: string[] | undefined
  /** Whether localities count at all. Default: true. */
  enabled?: boolean | undefined
}

/** Shares for callers of a locality. */
export interface LocalityDistribute {
  /** Where the caller is: region/zone/subzone, "*" at the end. */
  from?: string | undefined
  /** Localities with percentages that add up to 100. */
  to?: Record<string, number> | undefined
}

/** A region that takes over. */
export interface LocalityFailover {
  /** Region. */
  from?: string | undefined
  /** Region. */
  to?: string | undefined
}

/** A warm-up. */
export interface WarmupConfiguration {
  /** How long. */
  duration: DurationText
  /** Share at the beginning. Default: 10. */
  minimumPercent?: number | undefined
  /** 1 is linear; higher begins faster. Default: 1. */
  aggression?: number | undefined
}

/** Limits of connections and requests. */
export interface ConnectionPoolSettings {
  /** Connections. */
  tcp?: TCPSettings | undefined
  /** Requests. */
  http?: HTTPSettings | undefined
}

/** Limits of connections. */
export interface TCPSettings {
  /** Connections at once; what exceeds them waits. 0 means unlimited. Default: unlimited. Here: per process and worker thread. */
  maxConnections?: number | undefined
  /** Time to connect. Default: 10s. */
  connectTimeout?: DurationText | undefined
  /** Keepalive of the sockets. Default: off. */
  tcpKeepalive?: TcpKeepalive | undefined
  /** Longest life of a connection. Default: none. */
  maxConnectionDuration?: DurationText | undefined
  /** An unused connection is closed after this; 0s: never. Default: 1h. Here: choose less than the server’s own keep-alive. */
  idleTimeout?: DurationText | undefined
}

/** TCP keepalive. */
export interface TcpKeepalive {
  /** Lost probes that end a connection. Accepted and ignored, with a warning. */
  probes?: number | undefined
  /** Idle time before the first probe. */
  time?: DurationText | undefined
  /** Time between probes. Accepted and ignored, with a warning. */
  interval?: DurationText | undefined
}

/** Limits of requests. */
export interface HTTPSettings {
  /** Requests that wait for a connection; 0 means unlimited. Default: unlimited. Here: per process and worker thread. */
  http1MaxPendingRequests?: number | undefined
  /** Requests at once, over HTTP/1 and HTTP/2; 0 means unlimited. Default: unlimited. Here: per process and worker thread. */
  http2MaxRequests?: number | undefined
  /** Requests over one connection; 1 ends keep-alive. Default: unlimited. */
  maxRequestsPerConnection?: number | undefined
  /** Retries at once; 0 means unlimited. Default: unlimited. Here: per process and worker thread. */
  maxRetries?: number | undefined
  /** As in tcp, and before it. Default: 1h. */
  idleTimeout?: DurationText | undefined
  /** Whether HTTP/2 is spoken. Default: the mesh's, DO_NOT_UPGRADE. */
  h2UpgradePolicy?: 'DEFAULT' | 'DO_NOT_UPGRADE' | 'UPGRADE' | undefined
  /** Speaks what the caller spoke. Accepted and ignored, with a warning. Here: there is no connection of the caller’s. */
  useClientProtocol?: boolean | undefined
  /** Streams of one HTTP/2 connection. Default: 2147483647. */
  maxConcurrentStreams?: number | undefined
}

/** When an endpoint is left out for a while. */
export interface OutlierDetection {
  /** Deprecated, without effect. Accepted and ignored, with a warning. */
  consecutiveErrors?: number | undefined
  /** Counts failures to connect apart from answers. Default: false. */
  splitExternalLocalOriginErrors?: boolean | undefined
  /** Failures to connect in a row. Default: 5. */
  consecutiveLocalOriginFailures?: number | undefined
  /** Answers 502, 503, 504 in a row; 0: off. Default: off. */
  consecutiveGatewayErrors?: number | undefined
  /** Answers of 500 and more in a row; 0: off. Default: 5. */
  consecutive5xxErrors?: number | undefined
  /** Time between the sweeps that bring endpoints back. Default: 10s. */
  interval?: DurationText | undefined
  /** How long an endpoint is out, times how often it was. Default: 30s. */
  baseEjectionTime?: DurationText | undefined
  /** Never more of the endpoints than this are out; 0 means the default. Default: 10. */
  maxEjectionPercent?: number | undefined
  /** With fewer healthy endpoints than this all are used. Default: 0. */
  minHealthPercent?: number | undefined
  /** Statuses that count as errors, instead of 500 and more. Here: newer than Istio 1.29, which does not know it. */
  outlierDetectionHttpErrorCodes?: number[] | undefined
}

/** TLS of the connections. */
export interface ClientTLSSettings {
  /** How. Default: DISABLE. Here: ISTIO_MUTUAL needs the identity of a sidecar: connections are plain. */
  mode?: 'DISABLE' | 'SIMPLE' | 'MUTUAL' | 'ISTIO_MUTUAL' | undefined
  /** File of the certificate. */
  clientCertificate?: string | undefined
  /** File of its key. */
  privateKey?: string | undefined
  /** File of the authorities. Default: the system's. */
  caCertificates?: string | undefined
  /** A secret of Kubernetes. Accepted and ignored, with a warning. Here: use files. */
  credentialName?: string | undefined
  /** Names, one of which the server must have. */
  subjectAltNames?: string[] | undefined
  /** Server name to ask for. Default: the host. */
  sni?: string | undefined
  /** Trusts every server. Default: false. */
  insecureSkipVerify?: boolean | undefined
  /** File of revoked certificates. */
  caCrl?: string | undefined
}

/** The policy of a port. */
export interface PortTrafficPolicy {
  /** The port. */
  port?: PortSelector | undefined
  /** How an endpoint is chosen. */
  loadBalancer?: LoadBalancerSettings | undefined
  /** Limits. */
  connectionPool?: ConnectionPoolSettings | undefined
  /** When an endpoint is left out. */
  outlierDetection?: OutlierDetection | undefined
  /** TLS. */
  tls?: ClientTLSSettings | undefined
}

/** A tunnel. */
export interface TunnelSettings {
  /** CONNECT or POST. */
  protocol?: string | undefined
  /** Where to. */
  targetHost: string
  /** Its port. */
  targetPort: number
}

/** PROXY protocol. */
export interface ProxyProtocol {
  /** Which. */
  version?: 'V1' | 'V2' | undefined
}

/** A budget. */
export interface RetryBudget {
  /** Retries at once, of the calls that run. Default: 20. */
  percent?: number | undefined
  /** Always allowed at once. Default: 3. */
  minRetryConcurrency?: number | undefined
}

/** A group of endpoints. */
export interface Subset {
  /** Its name. */
  name: string
  /** Labels that its endpoints have. Default: every endpoint. */
  labels?: Record<string, string> | undefined
  /** Replaces the host's policy block by block. */
  trafficPolicy?: TrafficPolicy | undefined
}

/** Workloads by their labels. */
export interface PodSelector {
  /** Labels that the caller has. */
  matchLabels?: Record<string, string> | undefined
}

/** A service: hosts, ports and endpoints. */
export interface ServiceEntrySpec {
  /** Its names. */
  hosts: string[]
  /** Its virtual addresses, or networks. Here: a further name of the host; nothing is captured. */
  addresses?: string[] | undefined
  /** Its ports. */
  ports?: ServicePort[] | undefined
  /** Inside or outside of the mesh. Default: MESH_EXTERNAL. Here: decides whether context headers are passed on. */
  location?: 'MESH_EXTERNAL' | 'MESH_INTERNAL' | undefined
  /** How endpoints are found. Default: NONE. Here: DYNAMIC_DNS is for ztunnel and waypoints: as in a sidecar it has no cluster, calls get 503. */
  resolution?: 'NONE' | 'STATIC' | 'DNS' | 'DNS_ROUND_ROBIN' | 'DYNAMIC_DNS' | undefined
  /** Its endpoints. Default: with DNS: its hosts. */
  endpoints?: WorkloadEntrySpec[] | undefined
  /** Its endpoints are WorkloadEntries with these labels. Here: pods are not looked at. */
  workloadSelector?: WorkloadSelector | undefined
  /** Namespaces that see this document: ".", "*" or names. "~" is nobody. Default: *. */
  exportTo?: string[] | undefined
  /** Names that a server may have. Accepted and ignored, with a warning. Here: use tls.subjectAltNames. */
  subjectAltNames?: string[] | undefined
}

/** A port of a service. */
export interface ServicePort {
  /** Number. */
  number: number
  /** HTTP, HTTP2, GRPC, GRPC-WEB, HTTPS, TLS, TCP, MONGO, MYSQL, REDIS or UDP. Default: found out from the traffic. Here: only HTTP is governed; a port of HTTPS or TLS gets one route to its cluster. */
  protocol?: string | undefined
  /** Name. */
  name: string
  /** Port of the endpoints. Default: number. */
  targetPort?: number | undefined
}

/** An endpoint. */
export interface WorkloadEntrySpec {
  /** An IP address, a DNS name, or `unix:///path`. */
  address?: string | undefined
  /** Ports by the names that the service gives them. Default: targetPort, else the port of the service. */
  ports?: Record<string, number> | undefined
  /** Labels that subsets and failover look at. */
  labels?: Record<string, string> | undefined
  /** Network of the endpoint. Accepted and ignored, with a warning. */
  network?: string | undefined
  /** region/zone/subzone. Default: the label istio-locality. */
  locality?: string | undefined
  /** Its share among its neighbours; 0 is 1. Default: 1. */
  weight?: number | undefined
  /** Identity of the endpoint. Accepted and ignored, with a warning. */
  serviceAccount?: string | undefined
}

/** Workloads by their labels. */
export interface WorkloadSelector {
  /** Labels that a workload must have. */
  labels?: Record<string, string> | undefined
}

/** What a workload sees of the mesh. */
export interface SidecarSpec {
  /** Workloads this is for. Default: all of the namespace. Here: the mesh's `workload.labels`. */
  workloadSelector?: WorkloadSelector | undefined
  /** Calls that come in. Accepted and ignored, with a warning. */
  ingress?: IstioIngressListener[] | undefined
  /** Calls that go out: what is seen. Default: everything. */
  egress?: IstioEgressListener[] | undefined
  /** Limits of calls that come in. Accepted and ignored, with a warning. */
  inboundConnectionPool?: ConnectionPoolSettings | undefined
  /** Calls to hosts that nobody declared. Default: the mesh's, ALLOW_ANY. */
  outboundTrafficPolicy?: OutboundTrafficPolicy | undefined
}

/** A listener for calls that come in. */
export interface IstioIngressListener {
  /** Its port. */
  port: SidecarPort
  /** Its address. */
  bind?: string | undefined
  /** How calls reach it. */
  captureMode?: 'DEFAULT' | 'IPTABLES' | 'NONE' | undefined
  /** Where calls go. */
  defaultEndpoint?: string | undefined
  /** TLS. */
  tls?: ServerTLSSettings | undefined
  /** Limits. */
  connectionPool?: ConnectionPoolSettings | undefined
}

/** A port of a listener. */
export interface SidecarPort {
  /** Number. */
  number?: number | undefined
  /** What is spoken. */
  protocol?: string | undefined
  /** Name. */
  name?: string | undefined
  /** Not for a Sidecar. Refused. */
  targetPort?: number | undefined
}

/** TLS of a server. */
export interface ServerTLSSettings {
  /** Sends HTTP to HTTPS. */
  httpsRedirect?: boolean | undefined
  /** How. */
  mode?: 'PASSTHROUGH' | 'SIMPLE' | 'MUTUAL' | 'AUTO_PASSTHROUGH' | 'ISTIO_MUTUAL' | 'OPTIONAL_MUTUAL' | undefined
  /** File of the certificate. */
  serverCertificate?: string | undefined
  /** File of its key. */
  privateKey?: string | undefined
  /** File of the authorities. */
  caCertificates?: string | undefined
  /** File of revoked certificates. */
  caCrl?: string | undefined
  /** Secret of the authorities. */
  caCertCredentialName?: string | undefined
  /** A secret. */
  credentialName?: string | undefined
  /** Several secrets. */
  credentialNames?: string[] | undefined
  /** Several certificates. */
  tlsCertificates?: TLSCertificate[] | undefined
  /** Names of clients. */
  subjectAltNames?: string[] | undefined
  /** Hashes of keys. */
  verifyCertificateSpki?: string[] | undefined
  /** Hashes of certificates. */
  verifyCertificateHash?: string[] | undefined
  /** At least. */
  minProtocolVersion?: 'TLS_AUTO' | 'TLSV1_0' | 'TLSV1_1' | 'TLSV1_2' | 'TLSV1_3' | undefined
  /** At most. */
  maxProtocolVersion?: 'TLS_AUTO' | 'TLSV1_0' | 'TLSV1_1' | 'TLSV1_2' | 'TLSV1_3' | undefined
  /** Ciphers. */
  cipherSuites?: string[] | undefined
}

/** A certificate. */
export interface TLSCertificate {
  /** File. */
  serverCertificate?: string | undefined
  /** File. */
  privateKey?: string | undefined
  /** File. */
  caCertificates?: string | undefined
}

/** A listener for calls that go out. */
export interface IstioEgressListener {
  /** The one port it is for. Default: the ports without a listener of their own. */
  port?: SidecarPort | undefined
  /** Its address. Accepted and ignored, with a warning. */
  bind?: string | undefined
  /** How calls reach it. Accepted and ignored, with a warning. */
  captureMode?: 'DEFAULT' | 'IPTABLES' | 'NONE' | undefined
  /** What is seen: `namespace/host`, with "*", "." and "~" for namespaces. */
  hosts: string[]
}

/** What becomes of calls to unknown hosts. */
export interface OutboundTrafficPolicy {
  /** Answered with 502, or let through. Default: REGISTRY_ONLY. */
  mode?: 'REGISTRY_ONLY' | 'ALLOW_ANY' | undefined
  /** Where they go instead. */
  egressProxy?: Destination | undefined
}
