import { describe, expect, test } from 'vitest'
import { TIGHT, type Trust } from '../../../src/core/source.ts'
import { parseRules } from '../../../src/rules/istio/parse.ts'
import { callerOf } from '../../../src/rules/istio/select-documents.ts'
import { trustFaults } from '../../../src/rules/istio/trust.ts'

const faults = (yaml: string, trust: Trust) =>
  parseRules(yaml)
    .documents.flatMap(d => trustFaults(d, trust, callerOf({}, {})))
    .map(d => [d.code, d.path, d.line])

const entry = (spec: string) => `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: a }
spec:
  ${spec}
`
const rule = (kind: string, spec: string) => entry(spec).replace('ServiceEntry', kind)

describe('a source reaches no further than it is trusted', () => {
  test('Unix sockets and link-local addresses', () => {
    const yaml = entry(`hosts: [a.test]
  endpoints:
    - address: unix:///var/run/docker.sock
    - address: 169.254.169.254
    - address: 10.0.0.1`)
    expect(faults(yaml, TIGHT)).toEqual([
      ['trust-unix-socket', 'spec.endpoints[0].address', 7],
      ['trust-link-local', 'spec.endpoints[1].address', 8],
    ])
    expect(faults(yaml, {})).toEqual([])
    expect(faults(rule('WorkloadEntry', 'address: "fe80::1"'), TIGHT)).toEqual([['trust-link-local', 'spec.address', 5]])
    expect(faults(entry('hosts: [169.254.169.254]'), TIGHT)).toEqual([['trust-link-local', 'spec.hosts[0]', 5]])
    expect(faults(rule('VirtualService', 'hosts: [a.test]\n  http: [{ redirect: { authority: "169.254.169.254:80" } }]'), TIGHT)).toEqual([
      ['trust-link-local', 'spec.http[0].redirect.authority', 6],
    ])
  })

  test('files, anywhere they can be named', () => {
    const yaml = rule(
      'DestinationRule',
      `host: a.test
  trafficPolicy: { tls: { mode: MUTUAL, clientCertificate: /etc/certs/a.pem, privateKey: /etc/certs/../shadow } }
  subsets:
    - name: v1
      trafficPolicy: { portLevelSettings: [{ port: { number: 80 }, tls: { mode: SIMPLE, caCertificates: /etc/certs } }] }`,
    )
    expect(faults(yaml, { tlsDirectory: '/etc/certs' }).map(f => f[1])).toEqual([
      'spec.trafficPolicy.tls.privateKey',
      'spec.subsets[0].trafficPolicy.portLevelSettings[0].tls.caCertificates',
    ])
    expect(faults(yaml, TIGHT).length).toBe(3)
  })

  test('hosts, short names in full', () => {
    const trust = { hosts: ['*.shop.svc.cluster.local', 'pay.test'] }
    const yaml = rule(
      'VirtualService',
      'hosts: [cart]\n  http: [{ route: [{ destination: { host: bank.test } }], mirror: { host: pay.test } }]',
    ).replace('name: a', 'name: a, namespace: shop')
    expect(faults(yaml, trust)).toEqual([['trust-host', 'spec.http[0].route[0].destination.host', 6]])
    expect(faults(rule('DestinationRule', 'host: "*"'), trust).length).toBe(1)
    expect(
      faults(`apiVersion: meshless.dev/v1\nkind: ResiliencePolicy\nmetadata: { name: a }\nspec: { targets: ["*"], bulkhead: {} }`, trust),
    ).toEqual([['trust-host', 'spec.targets[0]', 4]])
  })
})

describe('every host that a rule touches', () => {
  const trust: Trust = { hosts: ['*.shop.test', 'api.test', '10.0.0.9'] }
  const virtual = (http: string) => rule('VirtualService', `hosts: [a.shop.test]\n  http: [{ ${http} }]`)
  const policy = (spec: string) => rule('ResiliencePolicy', spec).replace('networking.istio.io/v1', 'meshless.dev/v1')
  const codes = (yaml: string) => faults(yaml, trust).map(([code, path]) => `${code} ${path}`)

  test.each([
    ['spec.hosts[1]', entry('hosts: [a.shop.test, bank.test]')],
    ['spec.hosts[0]', entry('hosts: ["*.test"]')],
    ['spec.hosts[0]', entry('hosts: ["*"]')],
    ['spec.hosts[0]', entry('hosts: [shop.test]')],
    ['spec.hosts[0]', entry('hosts: [evilshop.test]')],
    ['spec.hosts[0]', entry('hosts: [api.test.evil.test]')],
    ['spec.hosts[0]', entry('hosts: [bank]')],
    ['spec.addresses[0]', entry('hosts: [a.shop.test]\n  addresses: [10.0.0.7]')],
    ['spec.addresses[0]', entry('hosts: [a.shop.test]\n  addresses: [10.0.0.0/8]')],
    ['spec.endpoints[1].address', entry('hosts: [a.shop.test]\n  endpoints: [{ address: b.shop.test }, { address: bank.test }]')],
    ['spec.ports[0].protocol', entry('hosts: [a.shop.test]\n  ports: [{ number: 80, name: db, protocol: mongo }]')],
    ['spec.address', rule('WorkloadEntry', 'address: bank.test')],
    ['spec.host', rule('DestinationRule', 'host: bank.test')],
    ['spec.host', rule('DestinationRule', 'host: "*.test"')],
    ['spec.trafficPolicy.tls.sni', rule('DestinationRule', 'host: api.test\n  trafficPolicy: { tls: { mode: SIMPLE, sni: bank.test } }')],
    [
      'spec.subsets[0].trafficPolicy.portLevelSettings[0].tls.sni',
      rule(
        'DestinationRule',
        'host: api.test\n  subsets: [{ name: a, trafficPolicy: { portLevelSettings: [{ port: { number: 1 }, tls: { sni: bank.test } }] } }]',
      ),
    ],
    [
      'spec.trafficPolicy.tunnel.targetHost',
      rule('DestinationRule', 'host: api.test\n  trafficPolicy: { tunnel: { targetHost: bank.test, targetPort: 1 } }'),
    ],
    ['spec.hosts[1]', rule('VirtualService', 'hosts: [a.shop.test, bank.test]')],
    ['spec.hosts[0]', rule('VirtualService', 'hosts: [BANK.test.]')],
    [
      'spec.http[0].route[1].destination.host',
      virtual('route: [{ destination: { host: api.test } }, { destination: { host: bank.test } }]'),
    ],
    ['spec.http[0].route[0].destination.host', virtual('route: [{ destination: { host: 10.0.0.8 } }]')],
    ['spec.http[0].mirror.host', virtual('mirror: { host: bank.test }')],
    ['spec.http[0].mirrors[0].destination.host', virtual('mirrors: [{ destination: { host: bank.test } }]')],
    ['spec.http[0].redirect.authority', virtual('redirect: { authority: bank.test }')],
    ['spec.http[0].redirect.authority', virtual('redirect: { authority: "bank.test:8080" }')],
    ['spec.http[0].redirect.authority', virtual('redirect: { authority: "api.test@bank.test" }')],
    ['spec.http[0].redirect.authority', virtual('redirect: { authority: bank }')],
    ['spec.http[0].rewrite.authority', virtual('rewrite: { authority: bank.test }')],
    ['spec.http[0].headers.request.set.host', virtual('headers: { request: { set: { host: bank.test } } }')],
    ['spec.http[0].headers.request.add[":authority"]', virtual('headers: { request: { add: { ":authority": bank.test } } }')],
    [
      'spec.http[0].route[0].headers.request.set.Host',
      virtual('route: [{ destination: { host: api.test }, headers: { request: { set: { Host: bank.test } } } }]'),
    ],
    ['spec.http[0].headers.response.set.Location', virtual('headers: { response: { set: { Location: "https://bank.test/x" } } }')],
    ['spec.http[0].headers.response.add.location', virtual('headers: { response: { add: { location: "//bank.test" } } }')],
    ['spec.http[0].headers.response.set.location', virtual('headers: { response: { set: { location: "http://%REQ(x)%/" } } }')],
    ['spec.http[0].headers.response.set.location', virtual('headers: { response: { set: { location: "/\\\\bank.test" } } }')],
    [
      'spec.tcp[0].route[0].destination.host',
      rule('VirtualService', 'hosts: [api.test]\n  tcp: [{ route: [{ destination: { host: bank.test } }] }]'),
    ],
    [
      'spec.tls[0].match[0].sniHosts[0]',
      rule(
        'VirtualService',
        'hosts: [api.test]\n  tls: [{ match: [{ sniHosts: [bank.test] }], route: [{ destination: { host: api.test } }] }]',
      ),
    ],
    ['spec', rule('Sidecar', 'egress: [{ hosts: ["./a.shop.test"] }]')],
    ['spec.targets[0]', policy('targets: ["*"]')],
    ['spec.targets[1].host', policy('targets: [{ host: api.test }, { host: bank.test }]')],
    ['spec.targets[0].host', policy('targets: [{ host: "*.test" }]')],
    ['spec.fallback.destination.host', policy('targets: [{ host: api.test }]\n  fallback: { destination: { host: bank.test } }')],
  ])('%s', (path, yaml) => expect(codes(yaml)).toEqual([`trust-host ${path}`]))

  test('a Sidecar is about every host, also about those that it names', () => {
    const spec = 'outboundTrafficPolicy: { egressProxy: { host: bank.test } }\n  egress: [{ hosts: ["*/bank.test", "*/api.test"] }]'
    expect(codes(rule('Sidecar', spec))).toEqual([
      'trust-host spec',
      'trust-host spec.outboundTrafficPolicy.egressProxy.host',
      'trust-host spec.egress[0].hosts[0]',
    ])
    expect(faults(rule('Sidecar', spec), { hosts: ['*'] })).toEqual([])
  })

  test.each([
    entry(
      'hosts: [a.shop.test, "*.b.shop.test", API.test, api.test.]\n  addresses: [10.0.0.9]\n  endpoints: [{ address: 10.1.2.3 }, { address: "fd00::1" }, { address: "unix:///run/a.sock" }, { address: c.shop.test }]',
    ),
    entry('hosts: [a.shop.test]\n  addresses: ["0x0a000009"]'),
    rule('WorkloadEntry', 'address: 10.1.2.3'),
    virtual('redirect: { authority: "API.test:443" }'),
    virtual('redirect: { uri: /bank.test }'),
    virtual('headers: { request: { set: { x-host: bank.test } }, response: { set: { location: "/x", x: "http://bank.test" } } }'),
    virtual('headers: { response: { set: { location: "https://api.test/50%%" } } }'),
    policy('targets: [{ host: api.test }, { route: main }]'),
  ])('nothing is wrong with what is trusted: %#', yaml => expect(codes(yaml)).toEqual([]))

  test('a short name is that of the namespace in which it is said, and default is the name of no namespace', () => {
    const shop = { hosts: ['*.default.svc.cluster.local'] }
    expect(faults(policy('targets: [{ host: users }]'), shop)).toEqual([])
    expect(faults(policy('targets: [{ host: users }]').replace('name: a', 'name: a, namespace: bank'), shop).length).toBe(1)
  })
})

describe('every address that a rule touches', () => {
  test.each(['"0xa9fea9fe"', '169.254.43518', '"[::ffff:a9fe:a9fe]:80"', '"user:password@169.254.169.254"', '"169.254.169.254."'])(
    'redirect to %s',
    authority =>
      expect(faults(rule('VirtualService', `hosts: [a.test]\n  http: [{ redirect: { authority: ${authority} } }]`), TIGHT)).toEqual([
        ['trust-link-local', 'spec.http[0].redirect.authority', 6],
      ]),
  )

  test.each(['unix:///run/a.sock', 'unix:/run/a.sock', 'UNIX:///run/a.sock', '/run/a.sock', '"@a"', '"unix://@a"'])(
    'endpoint %s',
    address =>
      expect(faults(entry(`hosts: [a.test]\n  endpoints: [{ address: ${address} }]`), TIGHT)).toEqual([
        ['trust-unix-socket', 'spec.endpoints[0].address', 6],
      ]),
  )
})

describe('the directory of certificates', () => {
  const yaml = (file: string) =>
    rule('DestinationRule', `host: a.test\n  trafficPolicy: { tls: { caCertificates: ${JSON.stringify(file)} } }`)
  const trusts = (tlsDirectory: string, file: string) => faults(yaml(file), { tlsDirectory }).length === 0

  test.each([
    ['/etc/certs', '/etc/certs/a.pem'],
    ['/etc/certs/', '/etc//certs/./b/../a.pem'],
    ['/', '/a.pem'],
    ['.', 'a.pem'],
    ['.', './certs/a.pem'],
    ['certs', './certs/a.pem'],
    ['../certs', '../certs/a.pem'],
    ['..', '../a.pem'],
    ['C:\\certs', 'C:\\certs\\a.pem'],
  ])('%s trusts %s', (directory, file) => expect(trusts(directory, file)).toBe(true))

  test.each([
    ['/etc/certs', '/etc/certs'],
    ['/etc/certs', '/etc/certs2/a.pem'],
    ['/etc/certs', '/etc/certs/../shadow'],
    ['/etc/certs', '/../etc/shadow'],
    ['/etc/certs', 'etc/certs/a.pem'],
    ['/etc/certs', '/etc/certs\\..\\..\\shadow'],
    ['.', '../a.pem'],
    ['.', 'certs/../../a.pem'],
    ['.', '/etc/shadow'],
    ['.', './../a.pem'],
    ['certs', 'certs/../../certs/a.pem'],
    ['certs', '../certs/a.pem'],
    ['../certs', '../../certs/a.pem'],
    ['..', '../../a.pem'],
  ])('%s does not trust %s', (directory, file) => expect(trusts(directory, file)).toBe(false))
})
