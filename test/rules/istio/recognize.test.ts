/** What is one of our documents, one of ours with a mistake, or none of ours. */
import { describe, expect, it } from 'vitest'
import { parseRules } from '../../../src/rules/istio/parse.ts'
import { validate } from '../../../src/rules/validate.ts'

const judged = (text: string, strict = false) => validate(text, { strict }).map(d => `${d.severity} ${d.code} ${d.path}: ${d.hint}`)
const written = (apiVersion: string, kind: string) => `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: x }\nspec: {}\n`
const RULE = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: a }
spec: { host: a }
`

describe('a mistyped kind or apiVersion of our groups is an error that names the right one, strict or not', () => {
  it.each([
    ['networking.istio.io/v1', 'DestinationRules', 'unknown-kind kind: did you mean DestinationRule?'],
    ['networking.istio.io/v1', 'VirtualServices', 'unknown-kind kind: did you mean VirtualService?'],
    ['networking.istio.io/v1beta1', 'virtualservice', 'unknown-kind kind: did you mean VirtualService?'],
    ['networking.istio.io/v1', 'ServiceEntrys', 'unknown-kind kind: did you mean ServiceEntry?'],
    ['networking.istio.io/v1', 'Sidecars', 'unknown-kind kind: did you mean Sidecar?'],
    ['networking.istio.io/v1', 'Gatway', 'unknown-kind kind: did you mean Gateway?'],
    ['meshless.dev/v1', 'ResiliencePolicies', 'unknown-kind kind: did you mean ResiliencePolicy?'],
    ['meshless.dev/v1', 'ResiliencyPolicy', 'unknown-kind kind: did you mean ResiliencePolicy?'],
    ['networking.istio.io/v1', 'ResiliencePolicy', 'unknown-kind kind: ResiliencePolicy is a kind of meshless.dev/v1'],
    ['meshless.dev/v1', 'VirtualService', 'unknown-kind kind: VirtualService is a kind of networking.istio.io/v1'],
    ['networking.istio.io/v1beta2', 'VirtualService', 'unknown-version apiVersion: use networking.istio.io/ with v1, v1beta1 or v1alpha3'],
    ['networking.istio.io', 'VirtualService', 'unknown-version apiVersion: use networking.istio.io/ with v1, v1beta1 or v1alpha3'],
    ['meshless.dev/v2', 'ResiliencePolicy', 'unknown-version apiVersion: use meshless.dev/ with v1'],
    ['networking.isto.io/v1', 'VirtualService', 'unknown-group apiVersion: did you mean networking.istio.io/v1?'],
    ['network.istio.io/v1', 'DestinationRule', 'unknown-group apiVersion: did you mean networking.istio.io/v1?'],
    ['Networking.Istio.io/v1', 'DestinationRule', 'unknown-group apiVersion: did you mean networking.istio.io/v1?'],
    ['networking.isto.io/v1', 'DestinationRules', 'unknown-group apiVersion: did you mean networking.istio.io/v1?'],
    ['config.istio.io/v1alpha2', 'DestinationRule', 'unknown-group apiVersion: did you mean networking.istio.io/v1?'],
    ['v1', 'VirtualService', 'unknown-group apiVersion: did you mean networking.istio.io/v1?'],
    ['meshles.dev/v1', 'ResiliencePolicy', 'unknown-group apiVersion: did you mean meshless.dev/v1?'],
  ])('%s %s', (apiVersion, kind, expected) => {
    for (const strict of [false, true]) expect(judged(written(apiVersion, kind), strict)).toEqual([`error ${expected}`])
  })
  it('has its place', () => {
    expect(validate(`${RULE}---\n${written('networking.istio.io/v1', 'DestinationRules')}`)).toMatchObject([
      { line: 7, column: 1, document: 1 },
    ])
  })
})

it.each([
  ['v1', 'Service'],
  ['apps/v1', 'Deployment'],
  ['networking.istio.io/v1', 'Gateway'],
  ['networking.istio.io/v1alpha3', 'EnvoyFilter'],
  ['networking.istio.io/v1beta1', 'ProxyConfig'],
  ['networking.istio.io/v1', 'WorkloadGroup'],
  ['networking.istio.io/v2', 'SomethingNew'],
  ['security.istio.io/v1', 'AuthorizationPolicy'],
  ['networking.k8s.io/v1', 'Ingress'],
  ['networking.k8s.io/v1', 'NetworkPolicy'],
  ['networking.k8s.io/v1beta1', 'ServiceCIDR'],
  ['gateway.networking.k8s.io/v1', 'HTTPRoute'],
  ['multicluster.x-k8s.io/v1alpha1', 'ServiceImport'],
  ['appmesh.k8s.aws/v1beta2', 'VirtualService'],
  ['gateway.solo.io/v1', 'VirtualService'],
  ['k8s.nginx.org/v1', 'VirtualServer'],
  ['kustomize.config.k8s.io/v1beta1', 'Kustomization'],
])('%s %s is somebody else’s: an info', (apiVersion, kind) => {
  expect(validate(written(apiVersion, kind), { strict: true }).map(d => [d.severity, d.code])).toEqual([['info', 'kind-not-read']])
})

describe('a file that is not a rule', () => {
  it.each([
    ['kustomization.yaml', 'resources:\n- a.yaml\n- b.yaml\nnamespace: prod\n'],
    ['kustomization.yaml with a kind', 'kind: Kustomization\nresources: [a.yaml]\n'],
    ['Chart.yaml', 'apiVersion: v2\nname: reviews\nversion: 1.0.0\n'],
    ['values.yaml', 'replicas: 3\nhosts: [a]\nimage: { tag: v1 }\n'],
    ['docker-compose.yaml', 'services:\n  web:\n    image: nginx\n'],
    ['package.json', '{ "name": "x", "version": "1.0.0" }'],
    ['a JSON patch', '- op: replace\n  path: /spec/hosts/0\n  value: a\n'],
    ['a list of words', '- a\n- b\n'],
    ['an empty map', '{}\n'],
  ])('%s is left alone with one info', (_, text) => {
    expect(judged(text, true)).toEqual(['info not-a-document : a rule has apiVersion, kind, metadata and spec'])
    const { documents } = parseRules(`${text.trimEnd()}\n---\n${RULE}`)
    expect(documents.map(d => d.metadata.name)).toEqual(['a'])
  })
  it.each([
    ['without kind', 'apiVersion: networking.istio.io/v1\nmetadata: { name: a }\nspec: { host: a }\n', 'kind is missing'],
    ['without kind and mistyped', 'apiVersion: networking.isto.io/v1\nmetadata: { name: a }\nspec: { host: a }\n', 'kind is missing'],
    ['with kind mistyped', 'apiVersion: networking.istio.io/v1\nKind: DestinationRule\nmetadata: { name: a }\n', 'kind is missing'],
    ['without apiVersion', 'kind: DestinationRule\nmetadata: { name: a }\nspec: { host: a }\n', 'apiVersion is missing'],
    ['without both', 'metadata: { name: a }\nspec: { host: a }\n', 'kind is missing'],
    ['a spec alone', 'hosts: [a]\nhttp: [{ directResponse: { status: 200 } }]\n', 'kind is missing'],
    ['a spec of a DestinationRule alone', 'host: a\ntrafficPolicy: {}\n', 'kind is missing'],
  ])('unless it is meant as one: %s', (_, text, message) => {
    expect(validate(text)).toMatchObject([{ severity: 'error', code: 'not-a-document', message, line: 1 }])
  })
  it('an object made in code is always meant as one', () => {
    expect(validate({ resources: ['a.yaml'] })).toMatchObject([{ severity: 'error', code: 'not-a-document' }])
  })
})
