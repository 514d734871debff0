/** What the recordings do not show: dangling references, failover by labels, workload entries, wildcards, and speed. */
import { describe, expect, it } from 'vitest'
import { parseYamlDocuments } from '../../../src/base/formats/yaml.ts'
import type { RuleDocument } from '../../../src/rules/istio/document.ts'
import { readMeshConfig } from '../../../src/rules/istio/mesh-config.ts'
import { type TranslateOptions, translateDocuments } from '../../../src/rules/istio/translate.ts'

const API = 'apiVersion: networking.istio.io/v1'

function translate(yaml: string, options?: TranslateOptions) {
  return translateDocuments(
    parseYamlDocuments(yaml).map(({ value }, document) => ({ ...(value as RuleDocument), origin: { document, line: 1 } })),
    options,
  )
}

const service = (name: string, port: number, endpoints = '[{address: 10.0.0.1, labels: {version: v1}}]') => `---
${API}
kind: ServiceEntry
metadata: {name: ${name}, namespace: default}
spec: {hosts: [${name}], resolution: STATIC, ports: [{number: ${port}, name: http, protocol: HTTP}], endpoints: ${endpoints}}
`

describe('dangling references', () => {
  it('are said with document and path', () => {
    const { diagnostics } = translate(`${service('a', 80)}${service('b', 8080)}---
${API}
kind: VirtualService
metadata: {name: a, namespace: default}
spec:
  hosts: [a]
  http:
  - match: [{uri: {prefix: /1}}]
    route: [{destination: {host: nosuch}}]
  - match: [{uri: {prefix: /2}}]
    route: [{destination: {host: a, subset: v9}}]
  - match: [{uri: {prefix: /3}}]
    route: [{destination: {host: b}}]
  - match: [{uri: {prefix: /4}}]
    delegate: {name: gone}
  - route: [{destination: {host: b, port: {number: 8080}}}]
    mirror: {host: a, port: {number: 81}}
`)
    expect(diagnostics.map(({ code, path, document, severity }) => `${severity} ${document} ${code} ${path}`).sort()).toEqual([
      'warning 2 delegate-unknown spec.http[3].delegate',
      'warning 2 destination-host-unknown spec.http[0].route[0].destination',
      'warning 2 destination-port-unknown spec.http[2].route[0].destination',
      'warning 2 destination-port-unknown spec.http[4].mirror',
      'warning 2 destination-subset-unknown spec.http[1].route[0].destination',
    ])
  })

  it('are none where everything exists', () => {
    expect(translate(service('a', 80)).diagnostics).toEqual([])
  })
})

describe('endpoints', () => {
  it('fail over by the labels they share with the caller, from the left', () => {
    const { endpoints } = translate(
      `${service('a', 80, '[{address: 10.0.0.1, labels: {rack: "1", row: "1"}}, {address: 10.0.0.2, labels: {rack: "1", row: "2"}}, {address: 10.0.0.3, labels: {rack: "2", row: "1"}}]')}---
${API}
kind: DestinationRule
metadata: {name: a, namespace: default}
spec: {host: a, trafficPolicy: {outlierDetection: {}, loadBalancer: {localityLbSetting: {failoverPriority: [rack, row]}}}}
`,
      { workload: { labels: { rack: '1', row: '1' } } },
    )
    expect(
      endpoints[0]!.endpoints!.map(group => [group.priority ?? 0, group.lbEndpoints!.map(e => e.endpoint.address.socketAddress!.address)]),
    ).toEqual([
      [0, ['10.0.0.1']],
      [1, ['10.0.0.2']],
      [2, ['10.0.0.3']],
    ])
  })

  it('come from the workload entries that a service selects', () => {
    const { endpoints } = translate(`${API}
kind: ServiceEntry
metadata: {name: a, namespace: default}
spec: {hosts: [a.test], resolution: STATIC, ports: [{number: 80, name: http, protocol: HTTP}], workloadSelector: {labels: {app: a}}}
---
${API}
kind: WorkloadEntry
metadata: {name: one, namespace: default}
spec: {address: 10.0.0.7, labels: {app: a}}
---
${API}
kind: WorkloadEntry
metadata: {name: other, namespace: default}
spec: {address: 10.0.0.8, labels: {app: b}}
`)
    const [one, ...more] = endpoints[0]!.endpoints!.flatMap(group => group.lbEndpoints!)
    expect(more).toEqual([])
    expect(one!.endpoint.address).toEqual({ socketAddress: { address: '10.0.0.7', portValue: 80 } })
    expect(one!.metadata).toEqual({ filterMetadata: { istio: { labels: { app: 'a' } } } })
  })
})

describe('mesh config', () => {
  it('is read from text, from an object, and may be absent', () => {
    expect(readMeshConfig('connectTimeout: 3s')).toEqual({ connectTimeout: '3s' })
    expect(readMeshConfig({ connectTimeout: '3s' })).toEqual({ connectTimeout: '3s' })
    expect(readMeshConfig(undefined)).toEqual({})
    expect(() => readMeshConfig('- a')).toThrow('meshConfig: expected a mapping')
    expect(() => readMeshConfig('a: [')).toThrow(/^meshConfig: .*line 1/)
    expect(() => readMeshConfig('outboundTrafficPolicy: { mode: REGISTRY_ONY }')).toThrow(
      /^meshConfig: outboundTrafficPolicy.mode: "REGISTRY_ONY"/,
    )
  })
})

it('translates 1,000 services with 10 endpoints each (how long it takes: npm run bench)', () => {
  const documents: RuleDocument[] = []
  for (let index = 0; index < 1000; index++) {
    const endpoints = Array.from({ length: 10 }, (_, host) => ({
      address: `10.0.${index % 256}.${host}`,
      labels: { version: `v${host % 2}` },
    }))
    const name = `s${index}`
    const common = { apiVersion: 'networking.istio.io/v1', metadata: { name, namespace: 'default' } }
    const subsets = [{ name: 'v1', labels: { version: 'v1' } }]
    documents.push(
      {
        ...common,
        kind: 'ServiceEntry',
        spec: { hosts: [name], resolution: 'STATIC', ports: [{ number: 80, name: 'http', protocol: 'HTTP' }], endpoints },
      },
      { ...common, kind: 'DestinationRule', spec: { host: name, subsets } },
      { ...common, kind: 'VirtualService', spec: { hosts: [name], http: [{ route: [{ destination: { host: name, subset: 'v1' } }] }] } },
    )
  }
  const { clusters } = translateDocuments(documents)
  expect(clusters).toHaveLength(2002)
})
