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
