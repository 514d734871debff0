/** The descriptions of Istio's kinds against its CRDs (../shared): every field known, none invented, the same bounds, choices and rules. */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseYamlDocuments } from '../../../../src/base/formats/yaml.ts'
import type { Shape } from '../../../../src/rules/istio/schema/field.ts'
import { ISTIO_KINDS } from '../../../../src/rules/istio/schema/index.ts'
import { NEWER } from '../../../../src/rules/istio/schema/newer.ts'
import { validate } from '../../../../src/rules/validate.ts'

/** Fields of newer versions that we know already. */
const AHEAD = /\.outlierDetectionHttpErrorCodes(?:\[\])?$/

const file = new URL('../../../../../shared/istio/crd/crd-all.gen.yaml', import.meta.url)

/** Facts of a field of the CRD, by path. */
function crdFacts(node: any, path: string, into: Map<string, string>): void {
  into.set(path, facts(node))
  for (const [name, child] of Object.entries(node.properties ?? {})) crdFacts(child, `${path}.${name}`, into)
  if (node.items) crdFacts(node.items, `${path}[]`, into)
  if (typeof node.additionalProperties === 'object') crdFacts(node.additionalProperties, `${path}{}`, into)
}

/** Istio bounds integers of protobuf by their type; the CRD says so for uint32 only. */
function facts(node: any): string {
  const duration = node['x-kubernetes-validations']?.some(({ rule }: any) => rule.includes("duration('1ms')"))
  const of = (value: unknown, name: string) => (value === undefined ? [] : [`${name} ${value}`])
  return [
    node.enum !== undefined ? `enum ${node.enum.join()}` : `type ${node.type ?? (node['x-kubernetes-int-or-string'] ? 'integer' : 'any')}`,
    ...(duration ? ['≥ 1ms'] : []),
    ...of(node.maxLength, 'maxLength'),
    ...of(node.minItems, 'minItems'),
    ...of(node.maxItems, 'maxItems'),
    ...of(node.maxProperties, 'maxProperties'),
    ...(node.format === 'double' ? [...of(node.minimum, 'minimum'), ...of(node.maximum, 'maximum')] : []),
    ...(node.required ? [`required ${[...node.required].sort().join()}`] : []),
    ...choices(node),
  ].join('; ')
}

/** Fields of which the CRD allows one: `oneOf: [none of them, { required: [a] }, { required: [b] }]`, several such groups under `allOf`. */
function choices(node: any): string[] {
  const groups: any[][] = [node, ...(node.allOf ?? [])].map(part => part.oneOf).filter(Boolean)
  return said(groups.map(group => group.flatMap(({ required }) => required ?? [])))
}

const said = (groups: readonly (readonly string[])[]) => groups.map(names => `one of ${[...names].sort().join()}`).sort()

function ownFacts(shape: Shape, path: string, into: Map<string, string>): void {
  const of = (value: unknown, name: string) => (value === undefined ? [] : [`${name} ${value}`])
  const type = {
    string: 'string',
    duration: 'string',
    bytes: 'string',
    boolean: 'boolean',
    integer: 'integer',
    number: 'number',
    list: 'array',
    map: 'object',
    message: 'object',
  }
  into.set(
    path,
    [
      shape.type === 'enum' ? `enum ${shape.values.join()}` : `type ${(type as any)[shape.type] ?? 'any'}`,
      ...(shape.type === 'duration' && shape.least !== 'any' ? ['≥ 1ms'] : []),
      ...(shape.type === 'string' ? of(shape.maxLength, 'maxLength') : []),
      ...(shape.type === 'list' ? [...of(shape.min, 'minItems'), ...of(shape.max, 'maxItems')] : []),
      ...(shape.type === 'map' ? of(shape.max, 'maxProperties') : []),
      ...(shape.type === 'number' ? [...of(shape.min, 'minimum'), ...of(shape.max, 'maximum')] : []),
      ...(shape.type === 'message' && shape.required.length > 0 ? [`required ${[...shape.required].sort().join()}`] : []),
      ...(shape.type === 'message' ? said(shape.oneOf) : []),
    ].join('; '),
  )
  if (shape.type === 'message') for (const [name, field] of Object.entries(shape.fields)) ownFacts(field, `${path}.${name}`, into)
  if (shape.type === 'list') ownFacts(shape.of, `${path}[]`, into)
  if (shape.type === 'map') ownFacts(shape.of, `${path}{}`, into)
}

describe.skipIf(!existsSync(file))('the CRDs of Istio 1.29.6 (../shared)', () => {
  const definitions = existsSync(file) ? parseYamlDocuments(readFileSync(file, 'utf8')).map(({ value }) => value as any) : []
  it.each([...ISTIO_KINDS.keys()])('%s', kind => {
    const definition = definitions.find(crd => crd?.spec?.names?.kind === kind && crd.spec.group === 'networking.istio.io')
    expect(definition.spec.versions.map(({ name }: any) => name).sort()).toEqual(['v1', 'v1alpha3', 'v1beta1'])
    const theirs = new Map<string, string>()
    crdFacts(definition.spec.versions[0].schema.openAPIV3Schema.properties.spec, 'spec', theirs)
    theirs.delete('spec.http[].mirror_percent') // the old spelling of mirrorPercent, which decoding understands
    const ours = new Map<string, string>()
    ownFacts(ISTIO_KINDS.get(kind)!, 'spec', ours)
    for (const path of ours.keys()) if (AHEAD.test(path)) ours.delete(path)
    expect(Object.fromEntries(ours)).toEqual(Object.fromEntries(theirs))
    for (const path of theirs.keys()) expect(NEWER.has(path.split('.').at(-1)!), `${path} is no newer field any more`).toBe(false)
  })

  it('every rule in CEL is held: a document that breaks it is refused in strict mode', () => {
    const theirs: string[] = []
    const walk = (node: any, path: string): void => {
      for (const { rule } of node['x-kubernetes-validations'] ?? []) if (!rule.includes("duration('1ms')")) theirs.push(`${path}: ${rule}`)
      for (const [name, child] of Object.entries(node.properties ?? {})) walk(child, `${path}.${name}`)
      if (node.items) walk(node.items, `${path}[]`)
      if (typeof node.additionalProperties === 'object') walk(node.additionalProperties, `${path}{}`)
    }
    for (const kind of ISTIO_KINDS.keys()) {
      const definition = definitions.find(crd => crd?.spec?.names?.kind === kind && crd.spec.group === 'networking.istio.io')
      walk(definition.spec.versions[0].schema.openAPIV3Schema.properties.spec, kind)
    }
    expect([...new Set(theirs)].sort()).toEqual(Object.keys(BREAKS).sort())
    const errors = (kind: string, spec: object) =>
      validate({ apiVersion: 'networking.istio.io/v1', kind, metadata: { name: 'a' }, spec }, { strict: true }).filter(
        ({ severity }) => severity === 'error',
      )
    for (const [kind, spec] of Object.entries(SOUND)) expect(errors(kind, spec)).toEqual([])
    for (const [rule, change] of Object.entries(BREAKS)) {
      const kind = /^\w+/.exec(rule)![0]
      expect(errors(kind, { ...SOUND[kind], ...change }), rule).not.toEqual([])
    }
  })
})

const port = { number: 80, name: 'http', protocol: 'HTTP' }
const SOUND: Record<string, object> = {
  DestinationRule: { host: 'a.com' },
  ServiceEntry: { hosts: ['a.com'], ports: [port], resolution: 'STATIC' },
  Sidecar: { egress: [{ hosts: ['*/*'] }] },
  WorkloadEntry: { address: '10.0.0.1' },
}
const endpoint = (more: object) => ({ endpoints: [{ address: '10.0.0.1', ...more }] })
const ingress = (tls: object) => ({
  ingress: [{ port: { number: 80, name: 'https', protocol: 'HTTPS' }, tls: { mode: 'SIMPLE', ...tls } }],
})
const UNIX_PORTS = '(has(self.address) ? self.address : "").startsWith("unix://") ? !has(self.ports) : true'
const UNIX_PATH = 'self.startsWith("unix://") ? (self.substring(7, 8) == "/" || self.substring(7, 8) == "@") : true'
const UNIX_FILE = 'self.startsWith("unix://") ? !self.endsWith("/") : true'
const PORT_NAMES = 'self.all(key, size(key) < 63 && key.matches("^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$"))'
const PORTS = '0 < self && self <= 65535'

/** A change for each rule of the CRDs that breaks it. */
const BREAKS: Record<string, object> = {
  'DestinationRule.workloadSelector.matchLabels: self.all(key, !key.contains("*"))': { workloadSelector: { matchLabels: { 'a*': 'b' } } },
  'DestinationRule.workloadSelector.matchLabels: self.all(key, key.size() != 0)': { workloadSelector: { matchLabels: { '': 'b' } } },
  'DestinationRule.workloadSelector.matchLabels{}: !self.contains("*")': { workloadSelector: { matchLabels: { a: '*' } } },
  'ServiceEntry: (has(self.workloadSelector) ? 1 : 0) + (has(self.endpoints) ? 1 : 0) <= 1': {
    ...endpoint({}),
    workloadSelector: { labels: { a: 'b' } },
  },
  'ServiceEntry: !((has(self.addresses) ? self.addresses : []).exists(k, k.contains("/")) && !((has(self.resolution) ? self.resolution : "NONE") in ["STATIC", "NONE"]))':
    { resolution: 'DNS', addresses: ['10.0.0.0/8'] },
  'ServiceEntry: ((has(self.resolution) ? self.resolution : "NONE") == "NONE") ? !has(self.endpoints) : true': {
    resolution: 'NONE',
    ...endpoint({}),
  },
  'ServiceEntry: ((has(self.resolution) ? self.resolution : "") == "DNS_ROUND_ROBIN") ? ((has(self.endpoints) ? self.endpoints : []).size() <= 1) : true':
    { resolution: 'DNS_ROUND_ROBIN', endpoints: [{ address: 'a.com' }, { address: 'b.com' }] },
  'ServiceEntry.endpoints[]: has(self.address) || has(self.network)': { endpoints: [{ weight: 1 }] },
  [`ServiceEntry.endpoints[]: ${UNIX_PORTS}`]: endpoint({ address: 'unix:///a', ports: { http: 1 } }),
  [`ServiceEntry.endpoints[].address: ${UNIX_PATH}`]: endpoint({ address: 'unix://a' }),
  [`ServiceEntry.endpoints[].address: ${UNIX_FILE}`]: endpoint({ address: 'unix:///a/' }),
  [`ServiceEntry.endpoints[].ports: ${PORT_NAMES}`]: endpoint({ ports: { a_b: 1 } }),
  [`ServiceEntry.endpoints[].ports{}: ${PORTS}`]: endpoint({ ports: { http: 70000 } }),
  'ServiceEntry.hosts[]: self != "*"': { hosts: ['*'] },
  'ServiceEntry.ports: self.all(l1, self.exists_one(l2, l1.number == l2.number))': { ports: [port, { ...port, name: 'other' }] },
  [`ServiceEntry.ports[].number: ${PORTS}`]: { ports: [{ ...port, number: 0 }] },
  [`ServiceEntry.ports[].targetPort: ${PORTS}`]: { ports: [{ ...port, targetPort: 70000 }] },
  'ServiceEntry.workloadSelector.labels{}: !self.contains("*")': { workloadSelector: { labels: { a: '*' } } },
  'Sidecar.ingress[].tls: (has(self.tlsCertificates) ? 1 : 0) + (has(self.credentialNames) ? 1 : 0) <= 1': ingress({
    tlsCertificates: [{ serverCertificate: 'a', privateKey: 'b' }],
    credentialNames: ['c'],
  }),
  'Sidecar.ingress[].tls: (has(self.credentialName) ? 1 : 0) + (has(self.credentialNames) ? 1 : 0) <= 1': ingress({
    credentialName: 'a',
    credentialNames: ['c'],
  }),
  'Sidecar.ingress[].tls: (has(self.credentialNames) ? 1 : 0) + (has(self.tlsCertificates) ? 1 : 0) <= 1': ingress({
    credentialNames: ['c'],
    tlsCertificates: [{ serverCertificate: 'a', privateKey: 'b' }],
  }),
  'Sidecar.workloadSelector.labels{}: !self.contains("*")': { workloadSelector: { labels: { a: '*' } } },
  'WorkloadEntry: has(self.address) || has(self.network)': { address: undefined, weight: 1 },
  [`WorkloadEntry: ${UNIX_PORTS}`]: { address: 'unix:///a', ports: { http: 1 } },
  [`WorkloadEntry.address: ${UNIX_PATH}`]: { address: 'unix://a' },
  [`WorkloadEntry.address: ${UNIX_FILE}`]: { address: 'unix:///a/' },
  [`WorkloadEntry.ports: ${PORT_NAMES}`]: { ports: { a_b: 1 } },
  [`WorkloadEntry.ports{}: ${PORTS}`]: { ports: { http: 70000 } },
}
