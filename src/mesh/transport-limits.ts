/** What the rules ask of connections and the transport cannot do, said field by field instead of being ignored. */
import type { Transport, TransportLimit } from '../core/transport.ts'
import type { Cluster, HttpProtocolOptions } from '../envoy/index.ts'
import type { Diagnostic } from '../rules/istio/diagnostic.ts'

/** The field of Istio's rules, and what happens instead. */
const SAID: Record<TransportLimit, readonly [field: string, instead: string]> = {
  connections: ['connectionPool.tcp.maxConnections', 'requests of a worker do not wait for each other'],
  'connect-timeout': ['connectionPool.tcp.connectTimeout', 'the runtime decides how long connecting may take'],
  'tcp-keep-alive': ['connectionPool.tcp.tcpKeepalive', 'it has no effect'],
  'idle-timeout': ['connectionPool.http.idleTimeout', 'the runtime closes idle connections'],
  'requests-per-connection': ['connectionPool.http.maxRequestsPerConnection', 'the runtime decides how often a connection is used'],
  'connection-duration': ['connectionPool.tcp.maxConnectionDuration', 'the runtime decides how long a connection lives'],
  http2: ['connectionPool.http.h2UpgradePolicy', 'the runtime decides which HTTP it speaks'],
  'tls-settings': ['tls', 'the runtime checks certificates by its own rules, for the host of the URL'],
  'unix-socket': ['endpoints.address', 'a Unix socket cannot be reached'],
  host: ['host', 'a server called without TLS sees the address of the endpoint as its Host'],
  'endpoint-under-https': ['endpoints', 'with TLS a request goes to the host of its URL, whichever endpoint was chosen'],
}

export function transportLimits(transport: Transport, clusters: readonly Cluster[]): readonly Diagnostic[] {
  const { cannot } = transport
  if (cannot === undefined || cannot.length === 0) return []
  const asked = new Map<TransportLimit, string[]>()
  // Clusters that no rule speaks of ask for nothing.
  for (const cluster of clusters)
    for (const limit of cluster.name.includes('|') ? wishes(cluster) : [])
      if (cannot.includes(limit)) asked.set(limit, [...(asked.get(limit) ?? []), cluster.name])
  return [...asked].map(([limit, names]) => {
    const [field, instead] = SAID[limit]
    return {
      severity: 'warning',
      code: 'transport-cannot',
      message: `this transport cannot honour ${field}: ${instead} (${some(names)})`,
      hint: 'on Node the default transport can; leave the transport option out',
    }
  })
}

const NAMED = 3
const some = (names: readonly string[]) =>
  names.slice(0, NAMED).join(', ') + (names.length > NAMED ? ` and ${names.length - NAMED} more clusters` : '')

const DEFAULT_CONNECT_TIMEOUT = '10s'
/** 2³²−1, as istiod writes it. */
const UNLIMITED = 4_294_967_295

function wishes(cluster: Cluster): TransportLimit[] {
  const http: HttpProtocolOptions | undefined =
    cluster.typedExtensionProtocolOptions?.['envoy.extensions.upstreams.http.v3.HttpProtocolOptions']
  const common = http?.commonHttpProtocolOptions
  const secure = cluster.transportSocket?.typedConfig !== undefined
  const wanted: [TransportLimit, boolean][] = [
    ['connections', cluster.circuitBreakers?.thresholds?.some(({ maxConnections = UNLIMITED }) => maxConnections < UNLIMITED) === true],
    ['connect-timeout', cluster.connectTimeout !== undefined && cluster.connectTimeout !== DEFAULT_CONNECT_TIMEOUT],
    ['tcp-keep-alive', cluster.upstreamConnectionOptions?.tcpKeepalive !== undefined],
    ['idle-timeout', common?.idleTimeout !== undefined],
    ['requests-per-connection', common?.maxRequestsPerConnection !== undefined],
    ['connection-duration', common?.maxConnectionDuration !== undefined],
    ['http2', http?.explicitHttpConfig?.http2ProtocolOptions !== undefined],
    ['tls-settings', secure],
    [
      'unix-socket',
      (cluster.loadAssignment?.endpoints ?? []).some(group => (group.lbEndpoints ?? []).some(lb => lb.endpoint.address.pipe !== undefined)),
    ],
    ['host', !secure],
    ['endpoint-under-https', secure],
  ]
  return wanted.filter(([, asked]) => asked).map(([limit]) => limit)
}
