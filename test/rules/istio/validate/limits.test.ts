/** Numbers, durations and localities that Istio or Envoy refuses, and the warnings that Istio does not give. */
import { describe, expect, it } from 'vitest'
import { validate } from '../../../../src/rules/validate.ts'

const judged = (kind: string, spec: object, metadata: object = {}, lint = false) =>
  validate({ apiVersion: 'networking.istio.io/v1', kind, metadata: { name: 'x', ...metadata }, spec }, { lint })
    .filter(d => d.severity !== 'info')
    .map(d => `${d.severity} ${d.code} ${d.path}`)
const route = [{ destination: { host: 'a' } }]

describe('durations', () => {
  const timeout = (value: string) => judged('VirtualService', { hosts: ['a'], http: [{ route, timeout: value }] })
  it.each(['2562047h', '9223372036s', '2562047h47m16.854s'])('%s is as long as Go can count', value => expect(timeout(value)).toEqual([]))
  it.each(['2562048h', '9223372037s', '-9223372037s', '99999999999999h', `${'9'.repeat(400)}s`])('%s is longer', value =>
    expect(timeout(value)).toContain('error invalid-duration spec.http[0].timeout'),
  )
  it('are bounded in every kind', () => {
    const pool = { connectionPool: { tcp: { connectTimeout: '3000000h', idleTimeout: '3000000h' } } }
    expect(judged('DestinationRule', { host: 'a', trafficPolicy: pool })).toEqual([
      'error invalid-duration spec.trafficPolicy.connectionPool.tcp.connectTimeout',
      'error invalid-duration spec.trafficPolicy.connectionPool.tcp.idleTimeout',
    ])
  })
})

describe('weights', () => {
  const weighted = (...weights: number[]) =>
    judged('VirtualService', { hosts: ['a'], http: [{ route: weights.map(weight => ({ ...route[0], weight })) }] })
  it('add up to 32 bits at most', () => {
    expect(weighted(2 ** 31 - 1, 2 ** 31 - 1, 1)).toEqual([])
    expect(weighted(2 ** 31 - 1, 2 ** 31 - 1, 2)).toEqual(['error out-of-range spec.http[0].route'])
  })
  it('of TCP routes as well', () => {
    const spec = { hosts: ['a'], tcp: [{ route: [1, 2, 3].map(() => ({ ...route[0], weight: 2 ** 31 - 1 })) }] }
    expect(judged('VirtualService', spec)).toContain('error out-of-range spec.tcp[0].route')
  })
  it('of endpoints as well', () => {
    const service = (...weights: number[]) => ({
      hosts: ['a.test'],
      resolution: 'STATIC',
      ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
      endpoints: weights.map(weight => ({ address: '10.0.0.1', weight })),
    })
    expect(judged('ServiceEntry', service(2 ** 32 - 2, 0))).toEqual([])
    expect(judged('ServiceEntry', service(2 ** 32 - 1, 0))).toEqual(['error out-of-range spec.endpoints'])
  })
})

describe('the localities that a share goes to', () => {
  const to = (shares: object) =>
    judged('DestinationRule', {
      host: 'a',
      trafficPolicy: { loadBalancer: { localityLbSetting: { distribute: [{ from: 'x', to: shares }] } }, outlierDetection: {} },
    })
  const path = 'spec.trafficPolicy.loadBalancer.localityLbSetting.distribute[0].to'
  it.each([
    [['b/*', 'b/c'], 'b/c'],
    [['b/c', 'b/*'], 'b/*'],
    [['b', 'b/c/d'], 'b/c/d'],
    [['*', 'b'], 'b'],
    [['b', '*'], '*'],
    [['b/c', 'b/c/*'], 'b/c/*'],
    [['b', 'b/*'], 'b/*'],
  ])('%j overlap', (places, at) => {
    expect(to({ [places[0]!]: 50, [places[1]!]: 50 })).toEqual([
      `error duplicate ${/^\w+$/.test(at) ? `${path}.${at}` : `${path}["${at}"]`}`,
    ])
  })
  it.each([
    ['b/c', 'b/d'],
    ['b/c/e', 'b/c/f'],
    ['b', 'c'],
    ['b/*', 'bb/*'],
    ['b/c/*', 'b/cc/*'],
  ])('%s and %s do not', (one, other) => expect(to({ [one]: 50, [other]: 50 })).toEqual([]))
})

it.each(['ringHash', 'deprecated'])('a ring has at most 8388608 places: %s', way => {
  const ring = (size: number) =>
    judged('DestinationRule', {
      host: 'a',
      trafficPolicy: {
        loadBalancer: {
          consistentHash: {
            httpHeaderName: 'x',
            ...(way === 'ringHash' ? { ringHash: { minimumRingSize: size } } : { minimumRingSize: size }),
          },
        },
      },
    }).filter(d => d.startsWith('error'))
  expect(ring(8_388_608)).toEqual([])
  expect(ring(8_388_609)).toHaveLength(1)
})

describe('a TCP port without an address', () => {
  const service = (resolution: string, protocol: string | undefined, labels?: object) =>
    judged('ServiceEntry', { hosts: ['a.test'], resolution, ports: [{ number: 1, name: 'p', protocol }] }, labels && { labels })
  it.each([
    ['DNS', 'TCP'],
    ['DNS', undefined],
    ['STATIC', 'TCP'],
    ['STATIC', undefined],
  ])('of a service with resolution %s gets one from Istio: protocol %s', (resolution, protocol) =>
    expect(service(resolution, protocol)).toEqual([]),
  )
  it.each([
    ['NONE', 'TCP', undefined],
    ['NONE', undefined, undefined],
    ['DNS', 'TCP', { 'networking.istio.io/enable-autoallocate-ip': 'False' }],
  ])('has none with resolution %s, protocol %s, labels %j', (resolution, protocol, labels) =>
    expect(service(resolution, protocol, labels)).toEqual(['warning tcp-without-address spec.ports[0]']),
  )
})

describe('lint', () => {
  const retried = (retryOn: string | undefined) =>
    judged('VirtualService', { hosts: ['a'], http: [{ route, retries: { attempts: 2, retryOn } }] }, {}, true).some(d =>
      d.includes('retry-writes'),
    )
  it.each([
    [undefined, false],
    ['connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes', false],
    ['connect-failure,refused-stream,unavailable,cancelled,503', true],
    ['5xx', true],
    ['reset', true],
  ])('retry-writes of retryOn %s: %s', (retryOn, warned) => expect(retried(retryOn)).toBe(warned))

  const idle = (policy: object) =>
    judged('DestinationRule', { host: 'a', trafficPolicy: policy }, {}, true).filter(d => d.includes('idle-timeout-short'))
  it.each([
    ['with TLS', { tls: { mode: 'SIMPLE' }, connectionPool: { tcp: { idleTimeout: '999ms' } } }, 1],
    ['with TLS, for HTTP', { tls: { mode: 'SIMPLE' }, connectionPool: { http: { idleTimeout: '50ms' } } }, 1],
    ['with TLS, long enough', { tls: { mode: 'SIMPLE' }, connectionPool: { tcp: { idleTimeout: '1s' } } }, 0],
    ['without TLS', { connectionPool: { tcp: { idleTimeout: '99ms' } } }, 1],
    ['without TLS, long enough', { connectionPool: { tcp: { idleTimeout: '100ms' } } }, 0],
    ['switched off', { tls: { mode: 'SIMPLE' }, connectionPool: { tcp: { idleTimeout: '0s' } } }, 0],
  ])('idle-timeout-short %s', (_, policy, count) => expect(idle(policy)).toHaveLength(count))
})
