/** Every field of the kinds we read, with its type and bounds, as Istio 1.29's CRDs have them. */
import {
  anyDuration,
  boolean,
  bytes,
  duration,
  type Field,
  int32,
  list,
  type Message,
  map,
  message,
  number,
  oneOfNames,
  percent,
  string,
  text,
  uint32,
  uint64,
} from './schema-field.ts'

const labels = map(string)
const port = message({ number: uint32 })
const stringMatch = message({ exact: string, prefix: string, regex: string }, [], ['exact', 'prefix', 'regex'])
const share = message({ value: number })
const destination = message({ host: string, subset: string, port }, ['host'])
const headerChanges = message({ set: map(string), add: map(string), remove: list(string) })
const headers = message({ request: headerChanges, response: headerChanges })

const tcp = message({
  maxConnections: int32,
  connectTimeout: duration,
  tcpKeepalive: message({ probes: uint32, time: duration, interval: duration }),
  maxConnectionDuration: duration,
  idleTimeout: anyDuration,
})
const http = message({
  http1MaxPendingRequests: int32,
  http2MaxRequests: int32,
  maxRequestsPerConnection: int32,
  maxRetries: int32,
  idleTimeout: duration,
  h2UpgradePolicy: oneOfNames('DEFAULT', 'DO_NOT_UPGRADE', 'UPGRADE'),
  useClientProtocol: boolean,
  maxConcurrentStreams: int32,
})
const connectionPool = message({ tcp, http })

const loadBalancer = message(
  {
    simple: oneOfNames('UNSPECIFIED', 'LEAST_CONN', 'RANDOM', 'PASSTHROUGH', 'ROUND_ROBIN', 'LEAST_REQUEST'),
    consistentHash: message(
      {
        httpHeaderName: string,
        httpCookie: message(
          { name: string, path: string, ttl: anyDuration, attributes: list(message({ name: string, value: string }, ['name'])) },
          ['name'],
        ),
        useSourceIp: boolean,
        httpQueryParameterName: string,
        ringHash: message({ minimumRingSize: uint64 }),
        maglev: message({ tableSize: uint64 }),
        minimumRingSize: uint64,
      },
      [],
      ['httpHeaderName', 'httpCookie', 'useSourceIp', 'httpQueryParameterName'],
      ['ringHash', 'maglev'],
    ),
    localityLbSetting: message({
      distribute: list(message({ from: string, to: map(uint32) })),
      failover: list(message({ from: string, to: string })),
      failoverPriority: list(string),
      enabled: boolean,
    }),
    warmupDurationSecs: duration,
    warmup: message({ duration, minimumPercent: percent, aggression: { type: 'number', min: 0 } }, ['duration']),
  },
  [],
  ['simple', 'consistentHash'],
)

const outlierDetection = message({
  consecutiveErrors: int32,
  splitExternalLocalOriginErrors: boolean,
  consecutiveLocalOriginFailures: uint32,
  consecutiveGatewayErrors: uint32,
  consecutive5xxErrors: uint32,
  interval: duration,
  baseEjectionTime: duration,
  maxEjectionPercent: int32,
  minHealthPercent: int32,
  outlierDetectionHttpErrorCodes: list(uint32),
})

const clientTls = message({
  mode: oneOfNames('DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL'),
  clientCertificate: string,
  privateKey: string,
  caCertificates: string,
  credentialName: string,
  subjectAltNames: list(string),
  sni: string,
  insecureSkipVerify: boolean,
  caCrl: string,
})

const trafficPolicy = message({
  loadBalancer,
  connectionPool,
  outlierDetection,
  tls: clientTls,
  portLevelSettings: list(message({ port, loadBalancer, connectionPool, outlierDetection, tls: clientTls }), undefined, 4096),
  tunnel: message({ protocol: string, targetHost: string, targetPort: uint32 }, ['targetHost', 'targetPort']),
  proxyProtocol: message({ version: oneOfNames('V1', 'V2') }),
  retryBudget: message({ percent, minRetryConcurrency: uint32 }),
})

const destinationRule = message(
  {
    host: string,
    trafficPolicy,
    subsets: list(message({ name: string, labels, trafficPolicy }, ['name'])),
    exportTo: list(string),
    workloadSelector: message({ matchLabels: map(text(63), 4096) }),
  },
  ['host'],
)

const httpMatch = message({
  name: string,
  uri: stringMatch,
  scheme: stringMatch,
  method: stringMatch,
  authority: stringMatch,
  headers: map(stringMatch),
  port: uint32,
  sourceLabels: labels,
  gateways: list(string),
  queryParams: map(stringMatch),
  ignoreUriCase: boolean,
  withoutHeaders: map(stringMatch),
  sourceNamespace: string,
  statPrefix: string,
})

const httpRoute = message({
  name: string,
  match: list(httpMatch),
  route: list(message({ destination, weight: int32, headers }, ['destination'])),
  redirect: message(
    {
      uri: string,
      authority: string,
      port: uint32,
      derivePort: oneOfNames('FROM_PROTOCOL_DEFAULT', 'FROM_REQUEST_PORT'),
      scheme: string,
      redirectCode: uint32,
    },
    [],
    ['port', 'derivePort'],
  ),
  directResponse: message({ status: uint32, body: message({ string, bytes }, [], ['string', 'bytes']) }, ['status']),
  delegate: message({ name: string, namespace: string }),
  rewrite: message({ uri: string, authority: string, uriRegexRewrite: message({ match: string, rewrite: string }) }),
  timeout: duration,
  retries: message({
    attempts: int32,
    perTryTimeout: duration,
    retryOn: string,
    retryRemoteLocalities: boolean,
    retryIgnorePreviousHosts: boolean,
    backoff: duration,
  }),
  fault: message({
    delay: message(
      { percent: int32, fixedDelay: duration, exponentialDelay: duration, percentage: share },
      [],
      ['fixedDelay', 'exponentialDelay'],
    ),
    abort: message(
      { httpStatus: int32, grpcStatus: string, http2Error: string, percentage: share },
      [],
      ['httpStatus', 'grpcStatus', 'http2Error'],
    ),
  }),
  mirror: destination,
  mirrors: list(message({ destination, percentage: share }, ['destination'])),
  mirrorPercent: uint32,
  mirrorPercentage: share,
  corsPolicy: message({
    allowOrigin: list(string),
    allowOrigins: list(stringMatch),
    allowMethods: list(string),
    allowHeaders: list(string),
    exposeHeaders: list(string),
    maxAge: duration,
    allowCredentials: boolean,
    unmatchedPreflights: oneOfNames('UNSPECIFIED', 'FORWARD', 'IGNORE'),
  }),
  headers,
})

const layer4 = { destinationSubnets: list(string), port: uint32, sourceLabels: labels, gateways: list(string), sourceNamespace: string }
const layer4Route = list(message({ destination, weight: int32 }, ['destination']))

const virtualService = message({
  hosts: list(string),
  gateways: list(string),
  http: list(httpRoute),
  tls: list(message({ match: list(message({ ...layer4, sniHosts: list(string) }, ['sniHosts'])), route: layer4Route }, ['match'])),
  tcp: list(message({ match: list(message({ ...layer4, sourceSubnet: string })), route: layer4Route })),
  exportTo: list(string),
})

const workloadEntry = message({
  address: text(256),
  ports: map(uint32, 128),
  labels: map(string, 256),
  network: text(2048),
  locality: text(2048),
  weight: uint32,
  serviceAccount: text(253),
})
const workloadSelector = message({ labels: map(text(63), 256) })

const serviceEntry = message(
  {
    hosts: list(string, 1, 256),
    addresses: list(text(64), undefined, 256),
    ports: list(message({ number: uint32, protocol: text(256), name: text(256), targetPort: uint32 }, ['number', 'name']), undefined, 256),
    location: oneOfNames('MESH_EXTERNAL', 'MESH_INTERNAL'),
    resolution: oneOfNames('NONE', 'STATIC', 'DNS', 'DNS_ROUND_ROBIN', 'DYNAMIC_DNS'),
    endpoints: list(workloadEntry, undefined, 4096),
    workloadSelector,
    exportTo: list(string),
    subjectAltNames: list(string),
  },
  ['hosts'],
)

const sidecarPort = message({ number: uint32, protocol: string, name: string, targetPort: uint32 })
const captureMode = oneOfNames('DEFAULT', 'IPTABLES', 'NONE')
const tlsVersion = oneOfNames('TLS_AUTO', 'TLSV1_0', 'TLSV1_1', 'TLSV1_2', 'TLSV1_3')
const serverTls = message({
  httpsRedirect: boolean,
  mode: oneOfNames('PASSTHROUGH', 'SIMPLE', 'MUTUAL', 'AUTO_PASSTHROUGH', 'ISTIO_MUTUAL', 'OPTIONAL_MUTUAL'),
  serverCertificate: string,
  privateKey: string,
  caCertificates: string,
  caCrl: string,
  caCertCredentialName: string,
  credentialName: string,
  credentialNames: list(string, 1, 2),
  tlsCertificates: list(message({ serverCertificate: string, privateKey: string, caCertificates: string }), 1, 2),
  subjectAltNames: list(string),
  verifyCertificateSpki: list(string),
  verifyCertificateHash: list(string),
  minProtocolVersion: tlsVersion,
  maxProtocolVersion: tlsVersion,
  cipherSuites: list(string),
})
const sidecar = message({
  workloadSelector,
  ingress: list(
    message({ port: sidecarPort, bind: string, captureMode, defaultEndpoint: string, tls: serverTls, connectionPool }, ['port']),
  ),
  egress: list(message({ port: sidecarPort, bind: string, captureMode, hosts: list(string) }, ['hosts'])),
  inboundConnectionPool: connectionPool,
  outboundTrafficPolicy: message({ mode: oneOfNames('REGISTRY_ONLY', 'ALLOW_ANY'), egressProxy: destination }),
})

const block: Field = { type: 'any' }
const resiliencePolicy = message(
  {
    targets: list(block, 1),
    circuitBreaker: block,
    bulkhead: block,
    rateLimiter: block,
    timeLimiter: block,
    adaptiveConcurrency: block,
    hedge: block,
    cache: block,
    fallback: block,
  },
  ['targets'],
)

/** The kinds of `networking.istio.io`. */
export const ISTIO_KINDS: ReadonlyMap<string, Message> = new Map([
  ['VirtualService', virtualService],
  ['DestinationRule', destinationRule],
  ['ServiceEntry', serviceEntry],
  ['WorkloadEntry', workloadEntry],
  ['Sidecar', sidecar],
])
/** The kinds of `meshless.dev`. */
export const OWN_KINDS: ReadonlyMap<string, Message> = new Map([['ResiliencePolicy', resiliencePolicy]])

const ISTIO_VERSIONS = new Set(['networking.istio.io/v1', 'networking.istio.io/v1beta1', 'networking.istio.io/v1alpha3'])

/** The spec of a kind; `undefined` for kinds that are left alone. */
export function specOf(apiVersion: string, kind: string): Message | undefined {
  if (ISTIO_VERSIONS.has(apiVersion)) return ISTIO_KINDS.get(kind)
  return apiVersion === 'meshless.dev/v1' ? OWN_KINDS.get(kind) : undefined
}
