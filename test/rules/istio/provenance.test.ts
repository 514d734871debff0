import { expect, test } from 'vitest'
import { parseRules } from '../../../src/rules/istio/parse.ts'
import { originOf } from '../../../src/rules/istio/provenance.ts'
import { translateDocuments } from '../../../src/rules/istio/translate.ts'

test('every route of a VirtualService knows its document, rule and condition', () => {
  const { documents } = parseRules(`
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: a }
spec:
  hosts: [a.test]
  http:
    - match: [{ uri: { exact: /x } }, { uri: { exact: /y } }]
      directResponse: { status: 200 }
    - directResponse: { status: 201 }
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: a }
spec: { hosts: [a.test, b.test], ports: [{ number: 80, name: http, protocol: HTTP }], resolution: STATIC }
`)
  const hosts = translateDocuments(documents).routes[0]!.virtualHosts!
  const origins = hosts.find(h => h.name === 'a.test:80')!.routes!.map(originOf)
  expect(origins.map(o => [o?.document.metadata.name, o?.path, o?.match])).toEqual([
    ['a', 'spec.http[0]', 'spec.http[0].match[0]'],
    ['a', 'spec.http[0]', 'spec.http[0].match[1]'],
    ['a', 'spec.http[1]', undefined],
  ])
  expect(originOf(hosts.find(h => h.name === 'b.test:80')!.routes![0]!)).toBeUndefined()
})
