/** What Pilot 1.29.6 does beside the recorded translations: each case is a branch of its source. */
import { describe, expect, it } from 'vitest'
import { translate } from '../../../src/rules/translate.ts'

const se = (host: string, more: object = {}, metadata: object = {}) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'ServiceEntry',
  metadata: { name: host.replace('*', 'any'), namespace: 'default', ...metadata },
  spec: {
    hosts: [host],
    ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
    resolution: 'STATIC',
    endpoints: [{ address: '10.0.0.1' }],
    ...more,
  },
})
const vs = (name: string, hosts: string[], http: object[], more: object = {}, metadata: object = {}) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name, namespace: 'default', ...metadata },
  spec: { hosts, http, ...more },
})
const dr = (name: string, host: string, trafficPolicy: object | undefined, more: object = {}, namespace = 'default') => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: { name, namespace },
  spec: { host, ...(trafficPolicy && { trafficPolicy }), ...more },
})
const to = (host: string) => ({ route: [{ destination: { host } }] })
const named = (name: string, host = 'a.com') => ({ name, ...to(host) })
const run = (documents: object[], options: Parameters<typeof translate>[1] = {}) => translate(documents, options)
const names = (documents: object[], options: Parameters<typeof translate>[1] = {}) =>
  run(documents, options)
    .clusters.map(cluster => cluster.name)
    .filter(name => name.startsWith('outbound'))
const hosts = (documents: object[], port = '80', options: Parameters<typeof translate>[1] = {}) =>
  Object.fromEntries(
    run(documents, options)
      .routes.find(({ name }) => name === port)!
      .virtualHosts!.map(host => [host.name, host]),
  )
const first = (documents: object[], host = 'a.com:80') => hosts(documents)[host]!.routes![0]!
const cluster = (documents: object[], name = 'outbound|80||a.com', options: Parameters<typeof translate>[1] = {}) =>
  run(documents, options).clusters.find(c => c.name === name)!

describe('which VirtualService speaks', () => {
  const a = se('a.com')
  it('prefers what is private to what is exported by name to what is public, whatever its age', () => {
    const old = { creationTimestamp: '2020-01-01T00:00:00Z' }
    const young = { creationTimestamp: '2024-01-01T00:00:00Z' }
    const all = [
      a,
      vs('public', ['a.com'], [named('public')], {}, old),
      vs('exported', ['a.com'], [named('exported')], { exportTo: ['default'] }, { ...young, namespace: 'other' }),
      vs('private', ['a.com'], [named('private')], { exportTo: ['.'] }, young),
    ]
    expect(first(all).name).toBe('private')
    expect(first(all.slice(0, 3)).name).toBe('exported')
    expect(first(all.slice(0, 2)).name).toBe('public')
  })
  it('of a mesh default only "." and "*" count', () => {
    const rule = vs('x', ['a.com'], [named('x')], {}, { namespace: 'other' })
    const routeName = (defaultVirtualServiceExportTo: string[]) =>
      hosts([a, rule], '80', { meshConfig: { defaultVirtualServiceExportTo } })['a.com:80']!.routes![0]!.name
    expect(routeName(['*'])).toBe('x')
    expect(routeName(['.'])).toBe('default')
    expect(routeName(['default'])).toBe('default')
  })
  it('a host by name beats every wildcard, also when none of its routes is for this caller', () => {
    const wild = vs('wild', ['*.com'], [named('wild')])
    const other = vs('own', ['a.com'], [{ name: 'own', match: [{ sourceLabels: { app: 'x' } }], ...to('a.com') }])
    expect(first([a, wild]).name).toBe('wild')
    expect(first([a, wild, other]).name).toBe('default')
  })
  it('only the most specific wildcard is asked', () => {
    const wide = vs('wide', ['*.com'], [named('wide', 'x.a.com')])
    const near = vs('near', ['*.a.com'], [{ name: 'near', match: [{ sourceNamespace: 'other' }], ...to('x.a.com') }])
    expect(first([se('x.a.com'), wide, near], 'x.a.com:80').name).toBe('default')
  })
  it('with gateways in a match, labels and namespace of the caller are not asked', () => {
    const rule = vs('x', ['a.com'], [{ name: 'x', match: [{ gateways: ['mesh'], sourceNamespace: 'other' }], ...to('a.com') }])
    expect(first([a, rule]).name).toBe('x')
  })
})

describe('virtual hosts', () => {
  it('a service that is not HTTP on port 80 takes its name from the lone hosts of a rule', () => {
    const db = se('db.com', { ports: [{ number: 80, name: 'tcp', protocol: 'TCP' }] })
    expect(Object.keys(hosts([se('a.com'), db, vs('x', ['db.com'], [named('x')])]))).toEqual(['a.com:80', 'allow_any'])
  })
  it('a rule for hosts that are no services is heard on port 80, and where one of its hosts is a service', () => {
    const b = se('b.com', { ports: [{ number: 8080, name: 'http', protocol: 'HTTP' }] })
    const rule = vs('x', ['b.com', 'nobody.com', '::1'], [named('x')])
    expect(Object.keys(hosts([se('a.com'), b, rule], '8080'))).toEqual(['nobody.com:8080', '::1:8080', 'b.com:8080', 'allow_any'])
    expect(Object.keys(hosts([se('a.com'), b, rule]))).toContain('b.com:80')
    expect(hosts([se('a.com'), rule])['::1:80']!.domains).toEqual(['[::1]'])
  })
  it('short names are for services of the caller’s own domain', () => {
    const own = hosts([se('a.default.svc.cluster.local'), se('a.default.svc.other.domain')])
    expect(own['a.default.svc.cluster.local:80']!.domains).toContain('a')
    expect(own['a.default.svc.other.domain:80']!.domains).toEqual(['a.default.svc.other.domain', 'a.default.svc.other.domain.'])
  })
  it('a short name never hides a service that is really called so', () => {
    const both = hosts([se('a.default.svc.cluster.local'), se('a.default')])
    expect(both['a.default.svc.cluster.local:80']!.domains).not.toContain('a.default')
    expect(both['a.default:80']!.domains).toContain('a.default')
  })
  it.each([
    [['10.1.0.1/32'], '10.1.0.1'],
    [['fd00::1/128'], '[fd00::1]'],
    [['10.2.0.0/16'], '10.2.0.0/16'],
    [['10.1.0.1', '10.1.0.2'], '10.1.0.2'],
  ])('with the addresses %o it is called by its last one: %s (convertServices, generateVirtualHostDomains)', (addresses, expected) => {
    expect(hosts([se('a.com', { addresses })])['a.com:80']!.domains).toEqual(['a.com', 'a.com.', expected])
  })
  it('an address has no name with a final dot (GenerateAltVirtualHosts)', () => {
    expect(hosts([se('10.9.9.9')])['10.9.9.9:80']!.domains).toEqual(['10.9.9.9'])
  })
  it('what is recognised from its bytes is called on the shared port, unless it has an address of its own (buildSidecarOutboundHTTPListenerOpts)', () => {
    const sniffed = (more: object) => se('a.com', { ports: [{ number: 80, name: 'auto' }], ...more })
    const configurations = (...documents: object[]) => run(documents).routes.map(({ name }) => name)
    expect(configurations(sniffed({}))).toEqual(['80'])
    expect(configurations(sniffed({ addresses: ['10.2.0.0/16'] }))).toEqual(['80'])
    expect(configurations(sniffed({ addresses: ['10.1.0.1'] }))).toEqual(['a.com:80'])
    expect(configurations(sniffed({ addresses: ['10.1.0.1'] }), se('b.com'))).toEqual(['80', 'a.com:80'])
    const other = se('b.com', { ports: [{ number: 80, name: 'auto' }], addresses: ['10.1.0.1'] })
    expect(configurations(sniffed({ addresses: ['10.1.0.1'] }), other)).toEqual(['a.com:80'])
  })
  it('where MongoDB or MySQL listens first nobody else is heard (isConflictWithWellKnownPort)', () => {
    const ports = [{ number: 80, name: 'db', protocol: 'MONGO' }]
    expect(run([se('a.com', { ports }), se('b.com')]).routes).toEqual([])
    expect(run([se('a.com'), se('b.com', { ports })]).routes).toHaveLength(1)
  })
  it('without resolution and address, those selected are listened for, each at its own (buildSidecarOutboundListeners)', () => {
    const headless = se('a.com', {
      ports: [{ number: 80, name: 'auto' }],
      resolution: 'NONE',
      endpoints: undefined,
      workloadSelector: { labels: { app: 'a' } },
    })
    const entry = {
      apiVersion: 'networking.istio.io/v1',
      kind: 'WorkloadEntry',
      metadata: { name: 'w', namespace: 'default' },
      spec: { address: '10.0.0.9', labels: { app: 'a' } },
    }
    expect(run([headless]).routes).toEqual([])
    expect(run([headless, entry]).routes.map(({ name }) => name)).toEqual(['a.com:80'])
  })
})

describe('routes', () => {
  const a = se('a.com')
  const route = (http: object) => first([a, vs('x', ['a.com'], [http])])
  it('headers with and without are in one order', () => {
    const match = route({
      match: [{ withoutHeaders: { b: {} }, headers: { c: {}, a: {} }, method: { exact: 'GET' } }],
      ...to('a.com'),
    }).match
    expect(match.headers!.map(({ name }) => name)).toEqual(['a', 'b', 'c', ':method'])
  })
  it('a statPrefix is kept', () => {
    expect(route({ match: [{ statPrefix: 'p' }], ...to('a.com') })).toMatchObject({ statPrefix: 'p' })
  })
  it('the host may be added as well as set', () => {
    expect(route({ headers: { request: { add: { Host: 'b' } } }, ...to('a.com') }).route!.hostRewriteLiteral).toBe('b')
  })
  it.each([
    [{ port: 80 }, undefined],
    [{ port: 80, scheme: 'https' }, 80],
    [{ port: 443 }, 443],
    [{ port: 443, scheme: 'https' }, undefined],
    [{ derivePort: 'FROM_REQUEST_PORT' }, undefined],
    [{ derivePort: 'FROM_REQUEST_PORT', scheme: 'https' }, 80],
    [{ derivePort: 'FROM_PROTOCOL_DEFAULT' }, undefined],
  ])('a redirect says the port it is given, not the one its scheme has anyway (ApplyRedirect): %o', (redirect, port) => {
    expect(route({ redirect }).redirect!.portRedirect).toBe(port)
  })
  it('the regex "*" is not taken for everything', () => {
    const rule = vs('x', ['a.com'], [{ match: [{ uri: { regex: '*' } }], ...to('a.com') }, named('later')])
    expect(hosts([a, rule])['a.com:80']!.routes).toHaveLength(2)
  })
  it('numbers that no status has are no status', () => {
    expect(route({ retries: { attempts: 1, retryOn: '599,503' }, ...to('a.com') }).route!.retryPolicy).toMatchObject({
      retryOn: '599,retriable-status-codes',
      retriableStatusCodes: [503],
    })
  })
})

describe('hashes', () => {
  const a = se('a.com', { ports: [80, 81].map(number => ({ number, name: `p${number}`, protocol: 'HTTP' })) })
  const hash = (httpHeaderName: string) => ({ loadBalancer: { consistentHash: { httpHeaderName } } })
  const header = (policy: any) => policy?.map((entry: any) => entry.header.headerName)
  const policies = (trafficPolicy: object, route: object[], subsets: object[] = []) =>
    header(first([a, dr('a', 'a.com', trafficPolicy, { subsets }), vs('x', ['a.com'], [{ route }])]).route!.hashPolicy)
  const portLevel = { ...hash('top'), portLevelSettings: [{ port: { number: 80 }, ...hash('port') }] }

  it('an entry for a port counts when the destination names the port', () => {
    expect(policies(portLevel, [{ destination: { host: 'a.com' } }])).toEqual(['top'])
    expect(policies(portLevel, [{ destination: { host: 'a.com', port: { number: 80 } } }])).toEqual(['port'])
  })
  it('a service without VirtualService follows the port it is called on', () => {
    expect(header(first([a, dr('a', 'a.com', portLevel)]).route!.hashPolicy)).toEqual(['port'])
  })
  it('what a port or a subset leaves out comes from the rule', () => {
    const settings = { ...hash('top'), portLevelSettings: [{ port: { number: 80 }, loadBalancer: { simple: 'RANDOM' } }] }
    expect(policies(settings, [{ destination: { host: 'a.com', port: { number: 80 } } }])).toEqual(['top'])
    expect(policies(hash('top'), [{ destination: { host: 'a.com', subset: 's' } }], [{ name: 's' }])).toEqual(['top'])
  })
  it('each weighted destination adds its hash, also the same once more', () => {
    const twice = [1, 2].map(weight => ({ destination: { host: 'a.com' }, weight }))
    expect(policies(hash('top'), twice)).toEqual(['top', 'top'])
  })
  it('an empty header name is one (consistentHashToHashPolicy)', () => {
    expect(policies(hash(''), [{ destination: { host: 'a.com' } }])).toEqual([''])
  })
  it('a hash without a key keeps a retry on its host', () => {
    const rule = dr('a', 'a.com', { loadBalancer: { consistentHash: {} } })
    expect(first([a, rule, vs('x', ['a.com'], [to('a.com')])]).route!.retryPolicy!.retryHostPredicate).toBeUndefined()
  })
})

describe('delegates', () => {
  const a = se('a.com')
  const merged = (root: object, child: object) =>
    hosts([
      a,
      vs('root', ['a.com'], [{ match: [root], delegate: { name: 'child' } }]),
      { ...vs('child', [], [{ match: [child], name: 'c', ...to('a.com') }]) },
    ])['a.com:80']!.routes![0]!.name
  it.each([
    ['mere presence is not compared', { headers: { a: {} } }, { headers: { a: {} } }],
    ['presence and a value neither', { headers: { a: {} } }, { headers: { a: { exact: 'x' } } }],
    ['a root regex and mere presence neither', { headers: { a: { regex: '.*' } } }, { headers: { a: {} } }],
    ['a root namespace is not inherited', { sourceNamespace: 'default' }, {}],
    ['more gateways than the root has', { gateways: ['mesh'] }, { gateways: ['mesh', 'mesh'] }],
  ])('%s: the route is left out', (_, root, child) => expect(merged(root, child)).not.toBe('c'))
  it.each([
    ['a condition of the root alone', { headers: { a: {} } }, {}],
    ['a condition of the delegate alone', {}, { headers: { a: {} } }],
    ['a longer prefix', { uri: { prefix: '/a' } }, { uri: { exact: '/a/b' } }],
  ])('%s: joined', (_, root, child) => expect(merged(root, child)).toBe('c'))
})

describe('which DestinationRule holds', () => {
  const pool = (maxConnections: number) => ({ connectionPool: { tcp: { maxConnections } } })
  const limit = (documents: object[], options: Parameters<typeof translate>[1] = {}) =>
    cluster(documents, undefined, options).circuitBreakers!.thresholds![0]!.maxConnections
  const far = se('a.com', {}, { namespace: 'far' })
  it('a rule that is not exported to the caller hides a wildcard of its namespace', () => {
    const exact = dr('exact', 'a.com', pool(1), { exportTo: ['x', 'y'] }, 'far')
    const wild = dr('wild', '*.com', pool(2), {}, 'far')
    expect(limit([far, exact, wild])).toBe(4294967295)
    expect(limit([far, { ...exact, spec: { ...exact.spec, exportTo: ['.'] } }, wild])).toBe(2)
  })
  it('in the root namespace its private rules come first', () => {
    const root = { workload: { namespace: 'istio-system' } }
    const privately = dr('p', 'a.com', pool(1), { exportTo: ['.'] }, 'istio-system')
    const own = dr('o', 'a.com', pool(2), {}, 'far')
    expect(limit([far, privately, own], root)).toBe(1)
    expect(limit([far, dr('p', 'a.com', pool(1), {}, 'istio-system'), own], root)).toBe(2)
  })
  it('of several general rules with different exports the last one holds', () => {
    expect(limit([se('a.com'), dr('a', 'a.com', pool(1)), dr('b', 'a.com', pool(2), { exportTo: ['.'] })])).toBe(2)
  })
  it('a document of the same name replaces the earlier one', () => {
    expect(limit([se('a.com'), dr('a', 'a.com', pool(1)), dr('a', 'a.com', pool(2))])).toBe(2)
  })
})

describe('Sidecars', () => {
  const sidecar = (spec: object) => ({
    apiVersion: 'networking.istio.io/v1',
    kind: 'Sidecar',
    metadata: { name: 's', namespace: 'default' },
    spec,
  })
  const two = { ports: [80, 81].map(number => ({ number, name: `p${number}`, protocol: 'HTTP' })) }
  it('a listener for a port sees only that port', () => {
    const one = sidecar({ egress: [{ port: { number: 80, protocol: 'HTTP', name: 'p' }, hosts: ['./a.com'] }] })
    expect(names([se('a.com', two), se('b.com', two), one])).toEqual(['outbound|80||a.com'])
    expect(run([se('a.com', two), one]).routes.map(({ name }) => name)).toEqual(['80'])
  })
  it('what a listener says its port speaks counts for all', () => {
    const tcp = sidecar({ egress: [{ port: { number: 80, protocol: 'TCP', name: 'p' }, hosts: ['*/*'] }, { hosts: ['*/*'] }] })
    expect(run([se('a.com', two), tcp]).routes.map(({ name }) => name)).toEqual(['81'])
  })
  it('of a destination that only a rule names, only the ports it names are seen', () => {
    const rule = vs('x', ['a.com'], [{ route: [{ destination: { host: 'b.com', port: { number: 81 } } }] }])
    expect(names([se('a.com'), se('b.com', two, { namespace: 'far' }), rule, sidecar({ egress: [{ hosts: ['./*'] }] })])).toEqual([
      'outbound|80||a.com',
      'outbound|81||b.com',
    ])
  })
  it('rules are imported when their hosts and the pattern have a name in common', () => {
    const rule = vs('x', ['*.com'], [named('x')])
    expect(hosts([se('a.com'), rule, sidecar({ egress: [{ hosts: ['./a.com'] }] })])['a.com:80']!.routes![0]!.name).toBe('x')
  })
  it('an outbound policy without mode is REGISTRY_ONLY', () => {
    expect(Object.keys(hosts([se('a.com'), sidecar({ outboundTrafficPolicy: {} })]))).toContain('block_all')
  })
  it('unknown hosts may go to a proxy', () => {
    const egressProxy = { host: 'proxy.com', port: { number: 3128 } }
    const { allow_any } = hosts([se('a.com'), sidecar({ outboundTrafficPolicy: { mode: 'ALLOW_ANY', egressProxy } })])
    expect(allow_any!.routes![0]!.route!.cluster).toBe('outbound|3128||proxy.com')
  })
  it('a host of two namespaces is taken from the one that is imported', () => {
    const both = [
      se('a.com', { ports: [{ number: 80, name: 'h', protocol: 'HTTP' }] }, { namespace: 'x' }),
      se('a.com', two, { namespace: 'y' }),
    ]
    expect(names([...both, sidecar({ egress: [{ hosts: ['y/*'] }] })])).toEqual(['outbound|80||a.com', 'outbound|81||a.com'])
  })
})

describe('clusters', () => {
  it('a warm-up without more is linear from 10 %', () => {
    const c = cluster([se('a.com'), dr('a', 'a.com', { loadBalancer: { warmup: { duration: '60s' } } })])
    expect(c.leastRequestLbConfig!.slowStartConfig).toEqual({
      slowStartWindow: '60s',
      minWeightPercent: { value: 10 },
      aggression: { defaultValue: 1, runtimeKey: '(' },
    })
  })
  it('keepalives of rule and mesh are joined field by field', () => {
    const rule = dr('a', 'a.com', { connectionPool: { tcp: { tcpKeepalive: { probes: 3 } } } })
    const c = cluster([se('a.com'), rule], undefined, { meshConfig: { tcpKeepalive: { time: '60s', probes: 9 } } })
    expect(c.upstreamConnectionOptions).toEqual({ tcpKeepalive: { keepaliveProbes: 3, keepaliveTime: 60 } })
  })
  it.each([
    [{ failover: [{ from: 'a', to: 'b' }] }, undefined, undefined],
    [{ failover: [{ from: 'a', to: 'b' }] }, {}, {}],
    [{ enabled: true }, {}, undefined],
    [{ distribute: [{ from: 'a', to: { b: 100 } }] }, undefined, {}],
  ])('localities are weighted where %o with outlierDetection %o', (localityLbSetting, outlierDetection, expected) => {
    const policy = { loadBalancer: { localityLbSetting }, ...(outlierDetection && { outlierDetection }) }
    expect(cluster([se('a.com'), dr('a', 'a.com', policy)]).commonLbConfig!.localityWeightedLbConfig).toEqual(expected)
  })
  it('a minimum of 0 retries is the default of 3', () => {
    const c = cluster([se('a.com'), dr('a', 'a.com', { retryBudget: { minRetryConcurrency: 0 } })])
    expect(c.circuitBreakers!.thresholds![0]!.retryBudget).toEqual({ budgetPercent: { value: 20 }, minRetryConcurrency: 3 })
  })
  it('a name that nobody answers to has no cluster, and none of its subsets', () => {
    const dns = se('a.com', { resolution: 'DNS', endpoints: [{ address: 'x.com', labels: { v: '1' } }] })
    const subsets = ['1', '2'].map(v => ({ name: `v${v}`, labels: { v } }))
    expect(names([dns, dr('a', 'a.com', undefined, { subsets })])).toEqual(['outbound|80||a.com', 'outbound|80|v1|a.com'])
    const selected = se('a.com', { resolution: 'DNS', endpoints: undefined, workloadSelector: { labels: { app: 'x' } } })
    expect(names([selected, dr('a', 'a.com', undefined, { subsets })])).toEqual([])
  })
  it('an h2 upgrade says nothing of ports that are sniffed (setH2Options)', () => {
    const http = { h2UpgradePolicy: 'UPGRADE', maxConcurrentStreams: 5 }
    const c = cluster([se('a.com', { ports: [{ number: 80, name: 'auto' }] }), dr('a', 'a.com', { connectionPool: { http } })])
    expect(c.typedExtensionProtocolOptions!['envoy.extensions.upstreams.http.v3.HttpProtocolOptions']).not.toHaveProperty(
      'explicitHttpConfig',
    )
  })
  it('names are resolved again as often as the mesh says (buildCluster)', () => {
    const dns = se('a.com', { resolution: 'DNS', endpoints: undefined })
    expect(cluster([dns], undefined, { meshConfig: { dnsRefreshRate: '5s' } }).dnsRefreshRate).toBe('5s')
  })
  it('a secret is for chosen workloads (buildUpstreamClusterTLSContext)', () => {
    const tls = { mode: 'SIMPLE', credentialName: 'secret' }
    const chosen = { workloadSelector: { matchLabels: { app: 'x' } } }
    const options = { workload: { labels: { app: 'x' } } }
    expect(cluster([se('a.com'), dr('a', 'a.com', { tls })]).transportSocket).toBeUndefined()
    expect(cluster([se('a.com'), dr('a', 'a.com', { tls }, chosen)], undefined, options).transportSocket).toBeDefined()
    expect(cluster([se('a.com'), dr('a', 'a.com', { tls: { ...tls, credentialName: 'configmap://ca' } })]).transportSocket).toBeDefined()
  })
  it('a subset asks where the whole host asks, unless it passes through (buildSubsetCluster)', () => {
    const subsets = [{ name: 'own', trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } }]
    const types = (simple: string, list: object[]) =>
      run([se('a.com'), dr('a', 'a.com', { loadBalancer: { simple } }, { subsets: list })])
        .clusters.filter(({ name }) => name.startsWith('outbound'))
        .map(({ type, lbPolicy }) => `${type} ${lbPolicy}`)
    expect(types('PASSTHROUGH', subsets)).toEqual(['ORIGINAL_DST CLUSTER_PROVIDED', 'ORIGINAL_DST CLUSTER_PROVIDED'])
    const passing = [{ name: 'p', trafficPolicy: { loadBalancer: { simple: 'PASSTHROUGH' } } }]
    expect(types('RANDOM', passing)).toEqual(['EDS RANDOM', 'ORIGINAL_DST CLUSTER_PROVIDED'])
  })
  it('a hash that sets nothing keeps the warm-up (applyLoadBalancer)', () => {
    const warmup = { duration: '60s' }
    const of = (ringHash: object) =>
      cluster([se('a.com'), dr('a', 'a.com', { loadBalancer: { warmup, consistentHash: { httpHeaderName: 'x', ringHash } } })])
    expect(of({})).toHaveProperty('leastRequestLbConfig')
    expect(of({ minimumRingSize: 9 })).not.toHaveProperty('leastRequestLbConfig')
  })
  it('a service may want to be called near by (GetTrafficDistribution)', () => {
    const endpoints = ['us/a', 'eu/b', 'eu/a'].map((locality, index) => ({ address: `10.0.0.${index}`, locality }))
    const near = se('a.com', { endpoints }, { annotations: { 'networking.istio.io/traffic-distribution': 'PreferClose' } })
    const options = { workload: { locality: 'eu/a', labels: { app: 'x' } } }
    const { clusters, endpoints: assigned } = run([near], options)
    expect(assigned[0]!.endpoints!.map(({ locality, priority = 0 }) => `${locality!.region}/${locality!.zone} ${priority}`)).toEqual([
      'eu/a 0',
      'eu/b 1',
      'us/a 2',
    ])
    expect(clusters.at(-1)!.commonLbConfig).toEqual({ healthyPanicThreshold: { value: 0 }, localityWeightedLbConfig: {} })
  })
  it('endpoints count for a host whoever sees the entry that names them, by the name of their port (snapshotShards)', () => {
    const entry = (name: string, address: string, more: object) => {
      const document = se('a.com', { endpoints: [{ address }], ...more })
      return { ...document, metadata: { ...document.metadata, name } }
    }
    const addresses = (...documents: object[]) =>
      run(documents).endpoints.flatMap(({ endpoints = [] }) =>
        endpoints.flatMap(({ lbEndpoints }) => lbEndpoints!.map(({ endpoint }) => endpoint.address.socketAddress!.address)),
      )
    expect(addresses(entry('x', '10.0.0.1', {}), entry('y', '10.0.0.2', { exportTo: ['other'] }))).toEqual(['10.0.0.1', '10.0.0.2'])
    const named = { ports: [{ number: 80, name: 'web', protocol: 'HTTP' }] }
    expect(addresses(entry('x', '10.0.0.1', {}), entry('y', '10.0.0.2', named))).toEqual(['10.0.0.1'])
    expect(addresses(entry('x', '10.0.0.1', { addresses: ['10.9.0.1', '10.9.0.2'] }))).toEqual(['10.0.0.1', '10.0.0.1'])
  })
  it('of a name with addresses in turn there is one (serviceInstancesStore.addInstances)', () => {
    const one = se('a.com', { resolution: 'DNS_ROUND_ROBIN', endpoints: [{ address: 'x.com' }], addresses: ['10.9.0.1', '10.9.0.2'] })
    expect(cluster([one]).loadAssignment!.endpoints![0]!.lbEndpoints).toHaveLength(1)
  })
  it('what the metadata of a workload entry says of it wins (ConvertWorkloadEntry)', () => {
    const selecting = se('a.com', { endpoints: undefined, workloadSelector: { labels: { app: 'meta' } } })
    const entry = {
      apiVersion: 'networking.istio.io/v1',
      kind: 'WorkloadEntry',
      metadata: { name: 'w', namespace: 'default', labels: { app: 'meta' } },
      spec: { address: '10.0.0.9', labels: { app: 'spec' } },
    }
    expect(run([selecting, entry]).endpoints[0]!.endpoints).toHaveLength(1)
    // A name is no address that could be sent as an endpoint (BuildClusterLoadAssignment).
    expect(run([selecting, { ...entry, spec: { address: 'vm.test' } }]).endpoints[0]!.endpoints).toBeUndefined()
  })
  it('a subset may ask for a place (AugmentLabels)', () => {
    const endpoints = ['eu/a', 'us/a'].map((locality, index) => ({ address: `10.0.0.${index}`, locality }))
    const subsets = [{ name: 'eu', labels: { 'topology.kubernetes.io/region': 'eu' } }]
    const { endpoints: assigned } = run([se('a.com', { endpoints }), dr('a', 'a.com', undefined, { subsets })])
    expect(assigned[1]!.endpoints!.map(({ locality }) => locality!.region)).toEqual(['eu'])
  })
  it('a service of its own namespace that a rule names is seen, exported or not (collectImportedServices)', () => {
    const hidden = se('b.com', { exportTo: ['other'] })
    expect(names([se('a.com'), hidden])).toEqual(['outbound|80||a.com'])
    expect(names([se('a.com'), hidden, vs('x', ['a.com'], [to('b.com')])])).toEqual(['outbound|80||a.com', 'outbound|80||b.com'])
  })
  it('DYNAMIC_DNS has no cluster in a sidecar', () => {
    expect(names([se('*.a.com', { resolution: 'DYNAMIC_DNS', endpoints: undefined })])).toEqual([])
  })
  it('the target port of a service without endpoints is said to the cluster', () => {
    const none = se('a.com', {
      resolution: 'NONE',
      endpoints: undefined,
      ports: [{ number: 80, name: 'h', protocol: 'HTTP', targetPort: 8080 }],
    })
    expect(cluster([none]).originalDstLbConfig).toEqual({ upstreamPortOverride: 8080 })
  })
  it('labels order endpoints with addresses, not names; failover orders within', () => {
    const policy = {
      outlierDetection: {},
      loadBalancer: { localityLbSetting: { failoverPriority: ['v'], failover: [{ from: 'a', to: 'b' }] } },
    }
    const endpoints = ['a/x', 'b/x', 'c/x'].flatMap(locality => ['1', '2'].map(v => ({ address: '10.0.0.1', locality, labels: { v } })))
    const options = { workload: { labels: { v: '1' }, locality: 'a/x' } }
    const priorities = (resolution: string) => {
      const { clusters, endpoints: assigned } = run([se('a.com', { resolution, endpoints }), dr('a', 'a.com', policy)], options)
      return (assigned[0] ?? clusters.find(({ loadAssignment }) => loadAssignment)!.loadAssignment!).endpoints!.map(
        ({ priority = 0 }) => priority,
      )
    }
    expect(priorities('STATIC')).toEqual([0, 3, 1, 4, 2, 5])
    expect(priorities('DNS')).toEqual([0, 1, 2])
  })
})
