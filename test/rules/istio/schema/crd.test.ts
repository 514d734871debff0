/** The descriptions of Istio's kinds against its CRDs (../shared): every field known, none invented, the same bounds. */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseYamlDocuments } from '../../../../src/base/formats/yaml.ts'
import type { Shape } from '../../../../src/rules/istio/schema/field.ts'
import { ISTIO_KINDS } from '../../../../src/rules/istio/schema/index.ts'
import { NEWER } from '../../../../src/rules/istio/schema/newer.ts'

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
    ...(node.required ? [`required ${[...node.required].sort().join()}`] : []),
  ].join('; ')
}

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
      ...(shape.type === 'message' && shape.required.length > 0 ? [`required ${[...shape.required].sort().join()}`] : []),
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
})
