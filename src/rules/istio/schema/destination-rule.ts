/** DestinationRule: what holds for calls to a host once it is chosen. */
import { EXPORT_TO, exportTo, labels, port } from './common.ts'
import {
  anyDuration,
  boolean,
  duration,
  field,
  int32,
  list,
  map,
  message,
  oneOfNames,
  percent,
  string,
  text,
  uint32,
  uint64,
} from './field.ts'

const unlimited = { default: 'unlimited' } as const

export const connectionPool = message('Limits of connections and requests.', 'ConnectionPoolSettings', {
  tcp: field(
    'Connections.',
    message('Limits of connections.', 'TCPSettings', {
      maxConnections: field('Connections at once; what exceeds them waits. 0 means unlimited.', int32, {
        ...unlimited,
        verdict: 'in-process',
        note: 'per process and worker thread',
      }),
      connectTimeout: field('Time to connect.', duration, { default: '10s' }),
      tcpKeepalive: field(
        'Keepalive of the sockets.',
        message('TCP keepalive.', 'TcpKeepalive', {
          probes: field('Lost probes that end a connection.', uint32, { verdict: 'ignored' }),
          time: field('Idle time before the first probe.', duration),
          interval: field('Time between probes.', duration, { verdict: 'ignored' }),
        }),
        { default: 'off' },
      ),
      maxConnectionDuration: field('Longest life of a connection.', duration, { default: 'none' }),
      idleTimeout: field('An unused connection is closed after this; 0s: never.', anyDuration, {
        default: '1h',
        note: 'choose less than the server’s own keep-alive',
      }),
    }),
  ),
  http: field(
    'Requests.',
    message('Limits of requests.', 'HTTPSettings', {
      http1MaxPendingRequests: field('Requests that wait for a connection; 0 means unlimited.', int32, {
        ...unlimited,
        verdict: 'in-process',
        note: 'per process and worker thread',
      }),
      http2MaxRequests: field('Requests at once, over HTTP/1 and HTTP/2; 0 means unlimited.', int32, {
        ...unlimited,
        verdict: 'in-process',
        note: 'per process and worker thread',
      }),
      maxRequestsPerConnection: field('Requests over one connection; 1 ends keep-alive.', int32, unlimited),
      maxRetries: field('Retries at once; 0 means unlimited.', int32, {
        ...unlimited,
        verdict: 'in-process',
        note: 'per process and worker thread',
      }),
      idleTimeout: field('As in tcp, and before it.', duration, { default: '1h' }),
      h2UpgradePolicy: field('Whether HTTP/2 is spoken.', oneOfNames('DEFAULT', 'DO_NOT_UPGRADE', 'UPGRADE'), {
        default: "the mesh's, DO_NOT_UPGRADE",
      }),
      useClientProtocol: field('Speaks what the caller spoke.', boolean, {
        verdict: 'ignored',
        note: 'there is no connection of the caller’s',
      }),
      maxConcurrentStreams: field('Streams of one HTTP/2 connection.', int32, { default: '2147483647' }),
    }),
  ),
})

const consistentHash = message(
  'The endpoint is chosen by a hash of the request.',
  'ConsistentHashLB',
  {
    httpHeaderName: field('Hashes a header.', string),
    httpCookie: field(
      'Hashes a cookie, and makes one when there is none.',
      message(
        'A cookie.',
        'HTTPCookie',
        {
          name: field('Its name.', string),
          path: field('Its path.', string),
          ttl: field('Its life; 0s: as long as the session; absent: no cookie is made.', anyDuration),
          attributes: field(
            'Further attributes.',
            list(
              message('An attribute.', 'CookieAttribute', { name: field('Its name.', string), value: field('Its value.', string) }, [
                'name',
              ]),
            ),
          ),
        },
        ['name'],
      ),
    ),
    useSourceIp: field('Hashes the address of the caller.', boolean, {
      verdict: 'in-process',
      note: 'X-Forwarded-For when there is one; otherwise every call of this process is alike',
    }),
    httpQueryParameterName: field('Hashes a parameter of the query.', string),
    ringHash: field(
      'By a ring.',
      message('A ring.', 'RingHash', { minimumRingSize: field('Places on the ring, at least.', uint64, { default: 1024 }) }),
    ),
    maglev: field(
      'By a Maglev table.',
      message('A table.', 'MagLev', { tableSize: field('A prime number below 5000011.', uint64, { default: 65537 }) }),
    ),
    minimumRingSize: field('Deprecated: as in ringHash.', uint64),
  },
  [],
  ['httpHeaderName', 'httpCookie', 'useSourceIp', 'httpQueryParameterName'],
  ['ringHash', 'maglev'],
)

const locality = message('Near and far endpoints.', 'LocalityLoadBalancerSetting', {
  distribute: field(
    'Shares of calls by locality.',
    list(
      message('Shares for callers of a locality.', 'LocalityDistribute', {
        from: field('Where the caller is: region/zone/subzone, "*" at the end.', string),
        to: field('Localities with percentages that add up to 100.', map(uint32)),
      }),
    ),
  ),
  failover: field(
    'Which region takes over.',
    list(message('A region that takes over.', 'LocalityFailover', { from: field('Region.', string), to: field('Region.', string) })),
  ),
  failoverPriority: field('Labels; endpoints that share more of them with the caller come first.', list(string)),
  enabled: field('Whether localities count at all.', boolean, { default: true }),
})

const loadBalancer = message(
  'How an endpoint is chosen.',
  'LoadBalancerSettings',
  {
    simple: field(
      'A rule without memory of the request.',
      oneOfNames('UNSPECIFIED', 'LEAST_CONN', 'RANDOM', 'PASSTHROUGH', 'ROUND_ROBIN', 'LEAST_REQUEST'),
      { default: 'LEAST_REQUEST' },
    ),
    consistentHash: field('By a hash.', consistentHash),
    localityLbSetting: field('Near and far.', locality, { default: "the mesh's", note: "the caller is at the mesh's `workload.locality`" }),
    warmupDurationSecs: field('Deprecated: the duration of a warm-up.', duration),
    warmup: field(
      'New endpoints get their share little by little.',
      message(
        'A warm-up.',
        'WarmupConfiguration',
        {
          duration: field('How long.', duration),
          minimumPercent: field('Share at the beginning.', percent, { default: 10 }),
          aggression: field('1 is linear; higher begins faster.', { type: 'number', min: 0 }, { default: 1 }),
        },
        ['duration'],
      ),
    ),
  },
  [],
  ['simple', 'consistentHash'],
)

const outlierDetection = message('When an endpoint is left out for a while.', 'OutlierDetection', {
  consecutiveErrors: field('Deprecated, without effect.', int32, { verdict: 'ignored' }),
  splitExternalLocalOriginErrors: field('Counts failures to connect apart from answers.', boolean, { default: false }),
  consecutiveLocalOriginFailures: field('Failures to connect in a row.', uint32, { default: 5 }),
  consecutiveGatewayErrors: field('Answers 502, 503, 504 in a row; 0: off.', uint32, { default: 'off' }),
  consecutive5xxErrors: field('Answers of 500 and more in a row; 0: off.', uint32, { default: 5 }),
  interval: field('Time between the sweeps that bring endpoints back.', duration, { default: '10s' }),
  baseEjectionTime: field('How long an endpoint is out, times how often it was.', duration, { default: '30s' }),
  maxEjectionPercent: field('Never more of the endpoints than this are out; 0 means the default.', int32, { default: 10 }),
  minHealthPercent: field('With fewer healthy endpoints than this all are used.', int32, { default: 0 }),
  outlierDetectionHttpErrorCodes: field('Statuses that count as errors, instead of 500 and more.', list(uint32), {
    note: 'newer than Istio 1.29, which does not know it',
  }),
})

const clientTls = message('TLS of the connections.', 'ClientTLSSettings', {
  mode: field('How.', oneOfNames('DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL'), {
    default: 'DISABLE',
    note: 'ISTIO_MUTUAL needs the identity of a sidecar: connections are plain',
  }),
  clientCertificate: field('File of the certificate.', string),
  privateKey: field('File of its key.', string),
  caCertificates: field('File of the authorities.', string, { default: "the system's" }),
  credentialName: field('A secret of Kubernetes.', string, { verdict: 'ignored', note: 'use files' }),
  subjectAltNames: field('Names, one of which the server must have.', list(string)),
  sni: field('Server name to ask for.', string, { default: 'the host' }),
  insecureSkipVerify: field('Trusts every server.', boolean, { default: false }),
  caCrl: field('File of revoked certificates.', string),
})

const trafficPolicy = message('What holds for calls to a host, a subset or a port.', 'TrafficPolicy', {
  loadBalancer: field('How an endpoint is chosen.', loadBalancer),
  connectionPool: field('Limits.', connectionPool),
  outlierDetection: field('When an endpoint is left out.', outlierDetection, { default: 'never' }),
  tls: field('TLS.', clientTls),
  portLevelSettings: field(
    'Policies of ports; each replaces the whole policy for its port.',
    list(
      message('The policy of a port.', 'PortTrafficPolicy', {
        port: field('The port.', port),
        loadBalancer: field('How an endpoint is chosen.', loadBalancer),
        connectionPool: field('Limits.', connectionPool),
        outlierDetection: field('When an endpoint is left out.', outlierDetection),
        tls: field('TLS.', clientTls),
      }),
      undefined,
      4096,
    ),
  ),
  tunnel: field(
    'Sends TCP through a proxy.',
    message(
      'A tunnel.',
      'TunnelSettings',
      {
        protocol: field('CONNECT or POST.', string),
        targetHost: field('Where to.', string),
        targetPort: field('Its port.', uint32),
      },
      ['targetHost', 'targetPort'],
    ),
    { verdict: 'ignored' },
  ),
  proxyProtocol: field(
    'Says the caller’s address to the server.',
    message('PROXY protocol.', 'ProxyProtocol', { version: field('Which.', oneOfNames('V1', 'V2')) }),
    {
      verdict: 'ignored',
    },
  ),
  retryBudget: field(
    'Bounds retries to a share of the calls that run.',
    message('A budget.', 'RetryBudget', {
      percent: field('Retries at once, of the calls that run.', percent, { default: 20 }),
      minRetryConcurrency: field('Always allowed at once.', uint32, { default: 3 }),
    }),
    { default: 'none' },
  ),
})

export const destinationRule = message(
  'What holds for calls to a host once it is chosen.',
  'DestinationRuleSpec',
  {
    host: field('The host; a name without a dot belongs to the namespace of the document.', string),
    trafficPolicy: field('Policy of the host.', trafficPolicy),
    subsets: field(
      'Named groups of endpoints.',
      list(
        message(
          'A group of endpoints.',
          'Subset',
          {
            name: field('Its name.', string),
            labels: field('Labels that its endpoints have.', labels, { default: 'every endpoint' }),
            trafficPolicy: field("Replaces the host's policy block by block.", trafficPolicy),
          },
          ['name'],
        ),
      ),
    ),
    exportTo: field(EXPORT_TO, exportTo, { default: '*' }),
    workloadSelector: field(
      'Callers this is for.',
      message('Workloads by their labels.', 'PodSelector', { matchLabels: field('Labels that the caller has.', map(text(63), 4096)) }),
      { note: "the mesh's `workload.labels`" },
    ),
  },
  ['host'],
)
