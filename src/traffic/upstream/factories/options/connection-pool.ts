/** Options of the connection pool: Istio's ConnectionPoolSettings. A 0 means "no limit", as in Istio. */
import { boolean, duration, type InputOf, integer, object, oneOf, readOptions } from '../../../../core/schema/index.ts'
import type { CircuitBreakerThresholds, Cluster } from '../../../../envoy/index.ts'

const limit = (text: string) => integer(text, { default: 0, min: 0 })

export const connectionPoolFields = {
  tcp: object('Limits of connections. Default: Envoy’s.', {
    maxConnections: limit(
      'Connections of all endpoints together; for code: calls at once. An endpoint without any may always have one. 0: no limit.',
    ),
    connectTimeout: duration('How long connecting may take.', { default: '10s', min: 1 }),
    idleTimeout: duration('An unused connection is closed after this; 0: never. `http.idleTimeout` wins. Default 1h.', { min: 0 }),
    maxConnectionDuration: duration('A connection is closed at this age, when its requests have ended. Default: at no age.', { min: 1 }),
    tcpKeepalive: object('Keep-alive of the operating system. Default: off.', {
      probes: integer('Probes without an answer that end the connection. Default: the operating system’s.', { min: 0 }),
      time: duration('Idle time before the first probe. Default: the operating system’s.', { min: 0 }),
      interval: duration('Time between probes. Default: the operating system’s.', { min: 0 }),
    }),
  }),
  http: object('Limits of requests. Default: none.', {
    http1MaxPendingRequests: limit(
      'Requests that may wait for a connection (HTTP/1.1 and HTTP/2). One beyond them fails with an OverflowError. 0: no limit.',
    ),
    http2MaxRequests: limit('Requests at once (HTTP/1.1 and HTTP/2). One beyond them fails with an OverflowError. 0: no limit.'),
    maxRequestsPerConnection: limit('A connection is closed after so many requests. 0: no limit.'),
    maxRetries: limit('Retries at once. 0: no limit.'),
    idleTimeout: duration('An unused connection is closed after this; 0: never. Default 1h.', { min: 0 }),
    maxConcurrentStreams: limit('Requests at once on one HTTP/2 connection. 0: no limit.'),
    h2UpgradePolicy: oneOf('Whether HTTP/2 is spoken.', ['DEFAULT', 'DO_NOT_UPGRADE', 'UPGRADE'], { default: 'DEFAULT' }),
    useClientProtocol: boolean('Without meaning in a process: there is no client connection.', { default: false }),
  }),
} as const

/** Options of `connectionPool`. A wrong one throws an `OptionsError` that names every fault. */
export type ConnectionPoolOptions = InputOf<typeof connectionPoolFields>

/** What only connections of our own can honour. */
const OF_CONNECTIONS = [
  ['tcp', ['connectTimeout', 'idleTimeout', 'maxConnectionDuration', 'tcpKeepalive']],
  ['http', ['maxRequestsPerConnection', 'idleTimeout', 'maxConcurrentStreams', 'h2UpgradePolicy', 'useClientProtocol']],
] as const

/** The same as limits of a cluster, and what of it code that brings its own connections must see to itself. */
export function poolOf(
  options: ConnectionPoolOptions,
  what: string,
): { circuitBreakers: NonNullable<Cluster['circuitBreakers']>; warnings: string[] } {
  const { tcp, http } = readOptions(connectionPoolFields, options, what)
  const thresholds: CircuitBreakerThresholds = {}
  if (tcp?.maxConnections) thresholds.maxConnections = tcp.maxConnections
  if (http?.http1MaxPendingRequests) thresholds.maxPendingRequests = http.http1MaxPendingRequests
  if (http?.http2MaxRequests) thresholds.maxRequests = http.http2MaxRequests
  if (http?.maxRetries) thresholds.maxRetries = http.maxRetries
  const warnings = OF_CONNECTIONS.flatMap(([part, names]) =>
    names
      .filter(name => (options[part] as Record<string, unknown> | undefined)?.[name] !== undefined)
      .map(name => `${part}.${name} is about connections, which are the client's own here: set it there`),
  )
  return { circuitBreakers: { thresholds: [thresholds] }, warnings }
}
