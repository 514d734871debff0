/** How the endpoints of a cluster are connected to, as its configuration says: protocol, TLS, time-outs, keep-alive. */
import { parseDuration } from '../../../base/time/duration.ts'
import type { ConnectTarget, TlsSettings } from '../../../core/transport.ts'
import type { Cluster, HttpProtocolOptions, TransportSocket } from '../../../envoy/index.ts'
import type { PoolSettings } from './host-pool.ts'

const HOUR = 3_600_000
/** Requests on an HTTP/2 connection when the rules set no bound, Envoy's: half of what its stream ids are good for. */
const MOST_STREAMS = 2 ** 29

/** Worked out once per configuration. */
export interface ConnectSettings {
  readonly pool: PoolSettings
  /** All of a target but the address. */
  readonly target: Omit<ConnectTarget, 'address'>
  readonly tls: TransportSocket | undefined
  /** TLS without a name of its own: the request's Host is sent as it, and the certificate must be for it (auto_sni, auto_san_validation). */
  readonly autoSni: boolean
}

export function connectSettings(cluster: Cluster): ConnectSettings {
  const http: HttpProtocolOptions | undefined =
    cluster.typedExtensionProtocolOptions?.['envoy.extensions.upstreams.http.v3.HttpProtocolOptions']
  const common = http?.commonHttpProtocolOptions
  const http2 = http?.explicitHttpConfig?.http2ProtocolOptions
  const keepAlive = cluster.upstreamConnectionOptions?.tcpKeepalive
  return {
    pool: {
      idleTimeout: duration(common?.idleTimeout, HOUR) || Infinity,
      maxRequestsPerConnection: common?.maxRequestsPerConnection || (http2 === undefined ? 0 : MOST_STREAMS),
      maxConnectionDuration: duration(common?.maxConnectionDuration, 0),
    },
    target: {
      protocol: http2 === undefined ? 'http1' : 'http2',
      connectTimeout: duration(cluster.connectTimeout, 10_000),
      keepAlive:
        keepAlive === undefined
          ? undefined
          : { time: keepAlive.keepaliveTime, interval: keepAlive.keepaliveInterval, probes: keepAlive.keepaliveProbes },
      maxConcurrentStreams: http2?.maxConcurrentStreams,
    },
    tls: cluster.transportSocket,
    autoSni: cluster.transportSocket !== undefined && http?.upstreamHttpProtocolOptions?.autoSni === true,
  }
}

const duration = (text: string | undefined, otherwise: number) => (text === undefined ? otherwise : (parseDuration(text) ?? otherwise))

/** `name`: the request's own host, under https or where the rules leave the name to it. */
export function tlsSettings(socket: TransportSocket | undefined, name: string | undefined): TlsSettings | undefined {
  const config = socket?.typedConfig
  if (config === undefined) return name === undefined ? undefined : { sni: name }
  const common = config.commonTlsContext
  type Validation = NonNullable<typeof common>['validationContext']
  const validation =
    common?.validationContext ??
    (common?.combinedValidationContext as { defaultValidationContext?: Validation } | undefined)?.defaultValidationContext
  const certificate = common?.tlsCertificates?.[0]
  return {
    sni: config.sni ?? name,
    alpn: common?.alpnProtocols,
    ca: validation?.trustedCa?.filename,
    cert: certificate?.certificateChain?.filename,
    key: certificate?.privateKey?.filename,
    subjectAltNames: validation?.matchSubjectAltNames?.map(m => m.exact).filter(m => m !== undefined),
    insecureSkipVerify: validation === undefined || validation.trustChainVerification === 'ACCEPT_UNTRUSTED',
  }
}
