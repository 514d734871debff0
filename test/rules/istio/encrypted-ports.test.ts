import { expect, test } from 'vitest'
import { readMeshConfig } from '../../../src/rules/istio/mesh-config.ts'
import { parseRules } from '../../../src/rules/istio/parse.ts'
import { translateDocuments } from '../../../src/rules/istio/translate.ts'

const entry = (name: string, hosts: string[], protocol: string) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'ServiceEntry',
  metadata: { name },
  spec: { hosts, resolution: 'STATIC', ports: [{ number: 443, name: 'p', protocol }], endpoints: [{ address: '10.0.0.1' }] },
})
const routed = (documents: object[], encryptedPorts: boolean, mode = 'ALLOW_ANY') =>
  translateDocuments(parseRules(documents).documents, {
    encryptedPorts,
    meshConfig: readMeshConfig({ outboundTrafficPolicy: { mode } }),
  }).routes.map(({ name, virtualHosts }) => [
    name,
    virtualHosts!.map(host => `${host.name} ${host.domains[0]} ${host.routes![0]!.name} ${host.routes![0]!.route?.cluster ?? '-'}`),
  ])

test('HTTPS and TLS get one route each, but not in what istiod would send', () => {
  const documents = [entry('a', ['a.test'], 'HTTPS'), entry('b', ['b.test', '*.b.test'], 'TLS'), entry('c', ['c.test'], 'TCP')]
  expect(routed(documents, false)).toEqual([])
  expect(routed(documents, true)).toEqual([
    [
      '443',
      [
        '*.b.test:443 *.b.test encrypted outbound|443||*.b.test',
        'a.test:443 a.test encrypted outbound|443||a.test',
        'b.test:443 b.test encrypted outbound|443||b.test',
        'allow_any * allow_any PassthroughCluster',
      ],
    ],
  ])
  expect(routed(documents, true, 'REGISTRY_ONLY')[0]![1]!.at(-1)).toBe('block_all * block_all -')
})

test('beside HTTP on the same port', () => {
  const documents = [entry('a', ['a.test'], 'HTTP'), entry('b', ['b.test'], 'HTTPS')]
  expect(routed(documents, true)).toEqual([
    [
      '443',
      [
        'a.test:443 a.test default outbound|443||a.test',
        'b.test:443 b.test encrypted outbound|443||b.test',
        'allow_any * allow_any PassthroughCluster',
      ],
    ],
  ])
})
