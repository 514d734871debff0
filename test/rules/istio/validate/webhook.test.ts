/** Verdicts of Istio 1.29.6's validator that no recording shows: each row is a branch of its source. */
import { describe, expect, it } from 'vitest'
import { validate } from '../../../../src/rules/validate.ts'

const verdict = (kind: string, spec: object, metadata: object = {}) =>
  validate({ apiVersion: 'networking.istio.io/v1', kind, metadata: { name: 'x', namespace: 'ns', ...metadata }, spec })

function judge(kind: string, rows: [string, object, 'good' | 'bad' | 'warning'][], whole: (part: any) => object): void {
  describe(kind, () => {
    it.each(rows)('%s', (_, part, expected) => {
      const found = verdict(kind, whole(part))
      const errors = found.filter(d => d.severity === 'error')
      expect({ bad: errors.length > 0, found }).toEqual({ bad: expected === 'bad', found })
      if (expected === 'warning') expect(found.filter(d => d.severity === 'warning')).not.toEqual([])
      for (const d of errors) expect(d.hint).toBeTruthy()
    })
  })
}

const route = [{ destination: { host: 'a' } }]
judge(
  'VirtualService',
  [
    ['withoutHeaders regex "*" asks for presence', { match: [{ withoutHeaders: { a: { regex: '*' } } }], route }, 'good'],
    ['headers regex "*" is no regex', { match: [{ headers: { a: { regex: '*' } } }], route }, 'bad'],
    ['a pseudo header is matched', { match: [{ headers: { ':method': { exact: 'GET' } } }], route }, 'good'],
    ['an unknown pseudo header is not', { match: [{ headers: { ':foo': { exact: 'GET' } } }], route }, 'bad'],
    ['a JWT claim without a name is a bad header', { match: [{ headers: { '@request.auth.claims': { exact: 'x' } } }], route }, 'bad'],
    ['the host set and added', { headers: { request: { set: { host: 'a' }, add: { Host: 'b' } } }, route }, 'bad'],
    ['the host set once', { headers: { request: { set: { host: 'a' } } }, route }, 'good'],
    ['the host rewritten and added', { rewrite: { authority: 'x' }, headers: { request: { add: { ':authority': 'b' } } }, route }, 'bad'],
    ['a control character in a header', { headers: { request: { set: { a: 'b\nc' } } }, route }, 'bad'],
    ['a tab in a header', { headers: { request: { set: { a: 'b\tc' } } }, route }, 'good'],
    ['arguments of a formatter', { headers: { request: { set: { a: '%REQ(x)% %DYN(["a", "b"])%' } } }, route }, 'good'],
    ['an open list of arguments', { headers: { request: { set: { a: '%DYN(["a" "b"])%' } } }, route }, 'bad'],
    ['text after arguments', { headers: { request: { set: { a: '%REQ(x):5%' } } }, route }, 'bad'],
    ['retryRemoteLocalities false with attempts 0', { retries: { attempts: 0, retryRemoteLocalities: false }, route }, 'bad'],
    ['maxAge 0s', { corsPolicy: { maxAge: '0s' }, route }, 'bad'],
    ['allowOrigin beside allowOrigins', { corsPolicy: { allowOrigin: ['a'], allowOrigins: [{ exact: 'b' }] }, route }, 'good'],
    [
      'a root with mirror and mirrors',
      { delegate: { name: 'd' }, mirror: { host: 'a' }, mirrors: [{ destination: { host: 'b' } }] },
      'good',
    ],
    ['an address as destination', { route: [{ destination: { host: '10.0.0.1' } }] }, 'bad'],
    ['a destination that ends in a number', { route: [{ destination: { host: 'a.b.3' } }] }, 'bad'],
    ['a single number as destination', { route: [{ destination: { host: '123' } }] }, 'good'],
    ['a trailing dot', { route: [{ destination: { host: 'a.com.' } }] }, 'good'],
    ['a long label value', { match: [{ sourceLabels: { a: 'x'.repeat(64) } }], route }, 'good'],
    ['a long label name', { match: [{ sourceLabels: { ['x'.repeat(64)]: 'a' } }], route }, 'bad'],
    ['gateways are read up to the first without namespace', { match: [{ gateways: ['mesh', 'a/b/c'] }], route }, 'good'],
    ['a gateway with a bad name', { match: [{ gateways: ['a/b/c'] }], route }, 'bad'],
    ['a gateway in the old form', { match: [{ gateways: ['gw.ns.svc'] }], route }, 'warning'],
  ],
  http => ({ hosts: ['a'], http: [http] }),
)
judge(
  'VirtualService',
  [
    ['an address as host', { hosts: ['10.0.0.1'], tcp: [{ route }] }, 'good'],
    ['sourceNamespace of TCP is not looked at', { hosts: ['a'], tcp: [{ match: [{ sourceNamespace: 'a b' }], route }] }, 'good'],
    ['sourceSubnet is not looked at', { hosts: ['a'], tcp: [{ match: [{ sourceSubnet: 'x' }], route }] }, 'good'],
    ['destinationSubnets are', { hosts: ['a'], tcp: [{ match: [{ destinationSubnets: ['10.0.0.0/08'] }], route }] }, 'bad'],
    ['an address as SNI', { hosts: ['a.com'], tls: [{ match: [{ sniHosts: ['10.0.0.1'] }], route }] }, 'warning'],
    [
      'names of outbound clusters at a gateway',
      {
        hosts: ['outbound_.80_._.e2e.foobar.mesh'],
        gateways: ['gw'],
        tls: [{ match: [{ sniHosts: ['outbound_.80_._.e2e.foobar.mesh'] }], route }],
      },
      'good',
    ],
    ['such names in the mesh', { hosts: ['outbound_.80_._.e2e.foobar.mesh'], http: [{ route }] }, 'bad'],
  ],
  spec => spec,
)
const lb = (localityLbSetting: object) => ({ loadBalancer: { localityLbSetting }, outlierDetection: {} })
judge(
  'DestinationRule',
  [
    ['keepalive shorter than a millisecond', { connectionPool: { tcp: { tcpKeepalive: { time: '1us' } } } }, 'bad'],
    ['tcp idle timeout off', { connectionPool: { tcp: { idleTimeout: '0s' } } }, 'good'],
    ['tcp idle timeout finer than a millisecond', { connectionPool: { tcp: { idleTimeout: '1.5ms' } } }, 'bad'],
    ['a cookie with a negative life', { loadBalancer: { consistentHash: { httpCookie: { name: 'a', ttl: '-1s' } } } }, 'good'],
    ['warmupDurationSecs is left to the CRD', { loadBalancer: { warmupDurationSecs: '0s' } }, 'warning'],
    ['a negative minimumPercent is left to the CRD', { loadBalancer: { warmup: { duration: '1s', minimumPercent: -1 } } }, 'warning'],
    ['a port without number', { portLevelSettings: [{ port: {}, outlierDetection: {} }] }, 'good'],
    ['no port', { portLevelSettings: [{ outlierDetection: {} }] }, 'bad'],
    ['skipping checks with credentials, mutual', { tls: { mode: 'MUTUAL', insecureSkipVerify: true, credentialName: 'x' } }, 'good'],
    ['skipping checks with credentials, simple', { tls: { mode: 'SIMPLE', insecureSkipVerify: true, credentialName: 'x' } }, 'bad'],
    ['skipping checks without TLS', { tls: { mode: 'DISABLE', insecureSkipVerify: true, caCertificates: 'x' } }, 'good'],
    ['credentials and a revocation list', { tls: { mode: 'SIMPLE', credentialName: 'x', caCrl: 'y' } }, 'bad'],
    ['credentials in the own ConfigMap', { tls: { mode: 'SIMPLE', credentialName: 'configmap://ns/x' } }, 'good'],
    ['credentials in another ConfigMap', { tls: { mode: 'SIMPLE', credentialName: 'configmap://other/x' } }, 'bad'],
    ['the same source twice', lb({ distribute: ['a', 'a'].map(from => ({ from, to: { b: 100 } })) }), 'bad'],
    ['a zone in a region already named', lb({ distribute: ['a/*', 'a/z'].map(from => ({ from, to: { b: 100 } })) }), 'bad'],
    ['everything, then a region', lb({ distribute: ['*', 'a'].map(from => ({ from, to: { b: 100 } })) }), 'bad'],
    ['two zones', lb({ distribute: ['a/y', 'a/z/*', 'b'].map(from => ({ from, to: { b: 100 } })) }), 'good'],
    ['a locality of four parts', lb({ distribute: [{ from: 'a/b/c/d', to: { b: 100 } }] }), 'good'],
    ['an empty part', lb({ distribute: [{ from: 'a//c', to: { b: 100 } }] }), 'bad'],
    [
      'failover beside a topology label with a value',
      lb({ failover: [{ from: 'a', to: 'b' }], failoverPriority: ['topology.kubernetes.io/region=x'] }),
      'good',
    ],
    [
      'failover beside a topology label',
      lb({ failover: [{ from: 'a', to: 'b' }], failoverPriority: ['topology.kubernetes.io/region'] }),
      'bad',
    ],
  ],
  trafficPolicy => ({ host: 'a', trafficPolicy }),
)
const ports = [{ number: 80, name: 'http', protocol: 'HTTP' }]
judge(
  'ServiceEntry',
  [
    ['a port name that is no label', { ports: [{ number: 80, name: 'a_b', protocol: 'HTTP' }] }, 'bad'],
    ['a unix endpoint of a service with one port', { resolution: 'STATIC', ports, endpoints: [{ address: 'unix:///a' }] }, 'good'],
    [
      'a unix endpoint of a service with two ports',
      { resolution: 'STATIC', ports: [...ports, { number: 81, name: 'b', protocol: 'HTTP' }], endpoints: [{ address: 'unix:///a' }] },
      'bad',
    ],
    ['an abstract socket', { resolution: 'STATIC', ports, endpoints: [{ address: 'unix://@a/' }] }, 'good'],
    ['an endpoint port name of 63 letters', { resolution: 'STATIC', ports: [{ ...ports[0], name: 'x'.repeat(63) }] }, 'good'],
    ['a network in place of an address, by DNS', { resolution: 'DNS', ports, endpoints: [{ network: 'n' }] }, 'bad'],
    ['a network in place of an address', { resolution: 'STATIC', ports, endpoints: [{ network: 'n' }] }, 'warning'],
    ['HTTP2 with DYNAMIC_DNS', { hosts: ['*.a.com'], resolution: 'DYNAMIC_DNS', ports: [{ ...ports[0], protocol: 'HTTP2' }] }, 'bad'],
    ['DYNAMIC_DNS inside the mesh', { hosts: ['*.a.com'], resolution: 'DYNAMIC_DNS', location: 'MESH_INTERNAL', ports }, 'bad'],
    [
      'several hosts on a TCP port with an address',
      { hosts: ['a.com', 'b.com'], addresses: ['10.0.0.1'], resolution: 'STATIC', ports: [{ ...ports[0], protocol: 'TCP' }] },
      'bad',
    ],
    ['an address with a zone', { resolution: 'STATIC', ports, endpoints: [{ address: 'fe80::1%eth0' }] }, 'good'],
  ],
  spec => ({ hosts: ['a.com'], ...spec }),
)
const egress = [{ hosts: ['*/*'] }]
const tls = (port: string, tls: object) => ({ ingress: [{ port: { number: 443, protocol: port, name: 'a' }, tls }] })
judge(
  'Sidecar',
  [
    ['a selector without labels', { workloadSelector: {}, egress }, 'warning'],
    ['a target port', { egress: [{ port: { number: 80, targetPort: 8080 }, hosts: ['*/*'] }] }, 'bad'],
    ['an unknown protocol', { egress: [{ port: { number: 80, protocol: 'HTPP' }, hosts: ['*/*'] }] }, 'bad'],
    [
      'one port on two addresses',
      { egress: ['127.0.0.1', '127.0.0.2'].map(bind => ({ port: { number: 80 }, bind, hosts: ['*/*'] })) },
      'bad',
    ],
    ['a bind that is no address', { egress: [{ port: { number: 80 }, bind: 'localhost', hosts: ['*/*'] }] }, 'bad'],
    ['the port 0', { egress: [{ port: { number: 0 }, hosts: ['*/*'] }] }, 'bad'],
    ['the port 0 with a socket', { egress: [{ port: { number: 0 }, bind: 'unix:///a', hosts: ['*/*'] }] }, 'good'],
    ['a partial wildcard', { egress: [{ hosts: ['./*a.com'] }] }, 'bad'],
    ['a host said twice by its namespace', { egress: [{ hosts: ['./a.com', 'ns/a.com'] }] }, 'warning'],
    ['everything and more', { egress: [{ hosts: ['*/*', 'ns/a.com'] }] }, 'warning'],
    ['an endpoint without a host', { ingress: [{ port: { number: 80, protocol: 'HTTP' }, defaultEndpoint: ':8080' }] }, 'good'],
    ['an endpoint elsewhere', { ingress: [{ port: { number: 80 }, defaultEndpoint: '10.0.0.1:80' }] }, 'bad'],
    ['an endpoint out of range', { ingress: [{ port: { number: 80 }, defaultEndpoint: '127.0.0.1:70000' }] }, 'bad'],
    ['a proxy without the mode', { outboundTrafficPolicy: { egressProxy: { host: 'a.com', port: { number: 80 } } } }, 'bad'],
    ['a proxy without port', { outboundTrafficPolicy: { mode: 'ALLOW_ANY', egressProxy: { host: 'a.com' } } }, 'bad'],
    ['TLS on a port that is not', tls('HTTP', { mode: 'SIMPLE', serverCertificate: 'a', privateKey: 'b' }), 'bad'],
    ['TLS without a key', tls('HTTPS', { mode: 'SIMPLE', serverCertificate: 'a' }), 'bad'],
    ['TLS', tls('HTTPS', { mode: 'SIMPLE', serverCertificate: 'a', privateKey: 'b' }), 'good'],
    ['mutual TLS without a CA', tls('HTTPS', { mode: 'MUTUAL', serverCertificate: 'a', privateKey: 'b' }), 'bad'],
  ],
  spec => spec,
)
judge('WorkloadEntry', [['a unix socket in a folder', { address: 'unix:///a/' }, 'bad']], spec => spec)

it("refuses annotations that are Istio's own", () => {
  const found = verdict('VirtualService', { hosts: ['a'], http: [{ route }] }, { annotations: { 'internal.istio.io/parents': 'x' } })
  expect(found.map(d => d.code)).toEqual(['forbidden-annotation'])
})

describe('what the decoder reads (protojson, encoding/base64)', () => {
  const isGood = (kind: string, spec: object, strict: boolean) =>
    !validate({ apiVersion: 'networking.istio.io/v1', kind, metadata: { name: 'x', namespace: 'ns' }, spec }, { strict }).some(
      d => d.severity === 'error',
    )
  it.each([
    ['aGk=', true, true],
    ['aG==', true, true],
    ['a+k=', true, true],
    ['', true, false],
    ['aGk=\n', true, false],
    ['aGk', false, false],
    ['a-k=', false, false],
    ['aGkaGk', false, false],
    ['=', false, false],
    ['aGk= ', false, false],
  ])('bytes %j: %s, strict %s', (bytes, lenient, strict) => {
    const spec = { hosts: ['a.com'], http: [{ directResponse: { status: 200, body: { bytes } } }] }
    expect([isGood('VirtualService', spec, false), isGood('VirtualService', spec, true)]).toEqual([lenient, strict])
  })
  it.each([
    ['resolution', 2, true],
    ['resolution', 9, false],
    ['resolution', -1, false],
    ['location', 1, true],
    ['location', 9, true],
    ['location', -1, true],
    ['location', 2147483648, false],
    ['location', 0.5, false],
  ])('a number for a name, %s %d: %s, never strict', (field, number, lenient) => {
    const spec = { hosts: ['a.com'], ports: [{ number: 80, name: 'http', protocol: 'HTTP' }], [field]: number }
    expect([isGood('ServiceEntry', spec, false), isGood('ServiceEntry', spec, true)]).toEqual([lenient, false])
  })
})

it('ISTIO_MUTUAL is taken, and said to have no effect', () => {
  const found = verdict('DestinationRule', { host: 'a', trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL' } } })
  expect(found.map(d => [d.severity, d.code, d.path])).toEqual([['warning', 'not-executed', 'spec.trafficPolicy.tls.mode']])
  expect(found[0]!.message).toContain('connections are plain')
})

it('several hosts at one address on a TCP port are warned of', () => {
  const ports = [{ number: 443, name: 'tls', protocol: 'TLS' }]
  const found = verdict('ServiceEntry', { hosts: ['a.com', 'b.com'], addresses: ['10.0.0.1'], ports, resolution: 'DNS' })
  expect(found.map(d => [d.severity, d.code])).toEqual([['warning', 'ambiguous-hosts']])
})
