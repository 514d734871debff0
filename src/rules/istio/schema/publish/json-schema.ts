/** The published JSON Schema of rule documents: draft-07, which YAML editors read; `kind` decides which document it is. */
import { fieldsSchema, type JsonSchema } from '../../../../core/schema/json-schema.ts'
import { BLOCKS } from '../../../../core/schema/policies/index.ts'
import type { Field, Message, Shape } from '../field.ts'
import { ISTIO_KINDS, ISTIO_VERSIONS, OWN_KINDS, OWN_VERSION } from '../index.ts'

export function rulesJsonSchema(): JsonSchema {
  const definitions: Record<string, JsonSchema> = {}
  const kinds = [...ISTIO_KINDS, ...OWN_KINDS]
  for (const [kind, spec] of kinds) {
    collect(spec, definitions)
    const versions = ISTIO_KINDS.has(kind) ? ISTIO_VERSIONS : [OWN_VERSION]
    definitions[kind] = document(kind, versions, spec)
  }
  definitions['ResiliencePolicySpec'] = resiliencePolicy(definitions['ResiliencePolicySpec']!)
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Rules of meshless: Istio traffic rules and ResiliencePolicy',
    type: 'object',
    required: ['apiVersion', 'kind'],
    properties: {
      apiVersion: { type: 'string', description: 'Group and version of the kind.' },
      kind: { type: 'string', description: 'What the document is; other kinds are left alone.', examples: kinds.map(([kind]) => kind) },
    },
    // One branch for each kind, by its name: an editor shows what is wrong inside of the kind, not that no kind fits.
    allOf: kinds.map(([kind]) => ({
      if: { properties: { kind: { const: kind } }, required: ['kind'] },
      then: { $ref: `#/definitions/${kind}` },
    })),
    definitions: Object.fromEntries(Object.entries(definitions).sort(([a], [b]) => (a < b ? -1 : 1))),
  }
}

function document(kind: string, versions: readonly string[], spec: Message): JsonSchema {
  const texts = { type: 'object', additionalProperties: { type: 'string' } }
  return {
    type: 'object',
    description: spec.about,
    required: ['apiVersion', 'kind', 'metadata', 'spec'],
    additionalProperties: false,
    properties: {
      apiVersion: { enum: versions },
      kind: { const: kind },
      metadata: {
        type: 'object',
        description: 'Name and namespace; creationTimestamp decides who is older when two documents compete.',
        properties: {
          name: { type: 'string' },
          generateName: { type: 'string' },
          namespace: { type: 'string' },
          creationTimestamp: { type: ['string', 'null'] },
          labels: texts,
          annotations: texts,
        },
      },
      spec: { $ref: `#/definitions/${spec.name}` },
      status: {},
    },
  }
}

function collect(message: Message, into: Record<string, JsonSchema>): void {
  if (message.name in into) return
  const schema: JsonSchema = (into[message.name] = {})
  const properties: Record<string, JsonSchema> = {}
  for (const [name, field] of Object.entries(message.fields)) properties[name] = described(field, shapeSchema(field, into))
  Object.assign(schema, { type: 'object', description: message.about, properties, additionalProperties: false })
  if (message.required.length > 0) schema['required'] = message.required
  const exclusive = message.oneOf.map(names => ({
    not: { anyOf: names.flatMap((a, i) => names.slice(i + 1).map(b => ({ required: [a, b] }))) },
  }))
  if (exclusive.length > 0) schema['allOf'] = exclusive
}

function described({ text, note, verdict, default: value }: Field, schema: JsonSchema): JsonSchema {
  const remarks = [text, verdict === 'ignored' ? 'Accepted and ignored.' : '', note === undefined ? '' : `Here: ${note}.`]
  if (typeof value === 'string') remarks.push(`Default: ${value}.`)
  const description = remarks.filter(Boolean).join(' ')
  const facts = { ...(description !== '' && { description }), ...(value !== undefined && typeof value !== 'string' && { default: value }) }
  // Beside $ref, draft-07 looks at nothing.
  return '$ref' in schema ? { ...facts, allOf: [schema] } : { ...facts, ...schema }
}

function shapeSchema(shape: Shape, into: Record<string, JsonSchema>): JsonSchema {
  switch (shape.type) {
    case 'string':
      return { type: 'string', ...(shape.maxLength !== undefined && { maxLength: shape.maxLength }) }
    case 'boolean':
      return { type: 'boolean' }
    case 'integer':
      return { type: 'integer', minimum: shape.min, maximum: shape.max }
    case 'number':
      return {
        type: 'number',
        ...(shape.min !== undefined && { minimum: shape.min }),
        ...(shape.max !== undefined && { maximum: shape.max }),
      }
    case 'duration':
      return {
        type: 'string',
        pattern: '^-?(([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(ns|us|µs|ms|s|m|h))+$|^0$',
        examples: ['250ms', '1.5s', '1h30m'],
      }
    case 'enum':
      return { enum: shape.values }
    case 'bytes':
      return { type: 'string', pattern: '^[A-Za-z0-9+/_-]*={0,2}$' }
    case 'list':
      return {
        type: 'array',
        items: shapeSchema(shape.of, into),
        ...(shape.min !== undefined && { minItems: shape.min }),
        ...(shape.max !== undefined && { maxItems: shape.max }),
      }
    case 'map':
      return {
        type: 'object',
        additionalProperties: shapeSchema(shape.of, into),
        ...(shape.max !== undefined && { maxProperties: shape.max }),
      }
    case 'message':
      collect(shape, into)
      return { $ref: `#/definitions/${shape.name}` }
    case 'any':
      return {}
  }
}

/** The blocks of a ResiliencePolicy have the options of their policies. */
function resiliencePolicy(spec: JsonSchema): JsonSchema {
  const properties: Record<string, JsonSchema> = { ...(spec['properties'] as Record<string, JsonSchema>) }
  for (const [name, { text, fields }] of Object.entries(BLOCKS)) properties[name] = { description: text, ...fieldsSchema(fields) }
  const text = { type: 'string' }
  const target = (required: string, more: Record<string, JsonSchema>) => ({
    type: 'object',
    required: [required],
    properties: more,
    additionalProperties: false,
  })
  const port = {
    anyOf: [{ type: 'integer', minimum: 1, maximum: 65535 }, target('number', { number: { type: 'integer', minimum: 1, maximum: 65535 } })],
  }
  const list = { type: 'array', items: text }
  properties['targets'] = {
    ...properties['targets'],
    items: {
      anyOf: [
        { const: '*' },
        target('route', { route: text }),
        target('host', { host: text, subset: text, port }),
        target('workloadSelector', { workloadSelector: { type: 'object' }, methods: list, paths: list }),
      ],
    },
  }
  return { ...spec, properties }
}
