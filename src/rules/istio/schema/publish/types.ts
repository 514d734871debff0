/** TypeScript types of rule documents, as text: one interface for each message, under Istio's name, with what the description says. */
import type { Field, Message, Shape } from '../field.ts'
import { ISTIO_KINDS, ISTIO_VERSIONS } from '../index.ts'

export function rulesTypes(): string {
  const messages = new Map<string, Message>()
  for (const spec of ISTIO_KINDS.values()) collect(spec, messages)
  return [
    '/** Types of rule documents. Made from their descriptions by `npm run schema`; not to be edited. */',
    '',
    "import type { DocumentMetadata } from './documents.ts'",
    '',
    '/** A Go duration: `250ms`, `1.5s`, `1h30m`. */',
    'export type DurationText = string',
    ...[...ISTIO_KINDS].flatMap(([kind, spec]) => ['', document(kind, spec)]),
    ...[...messages.values()].flatMap(message => ['', declaration(message)]),
    '',
  ].join('\n')
}

function collect(message: Message, into: Map<string, Message>): void {
  if (into.has(message.name)) return
  into.set(message.name, message)
  for (const field of Object.values(message.fields)) {
    let inner: Shape = field
    while (inner.type === 'list' || inner.type === 'map') inner = inner.of
    if (inner.type === 'message') collect(inner, into)
  }
}

function document(kind: string, spec: Message): string {
  return [
    `/** ${spec.about} */`,
    `export interface ${kind} {`,
    `  apiVersion: ${ISTIO_VERSIONS.map(quoted).join(' | ')}`,
    `  kind: ${quoted(kind)}`,
    '  metadata: DocumentMetadata',
    `  spec: ${spec.name}`,
    '  status?: unknown',
    '}',
  ].join('\n')
}

function declaration(message: Message): string {
  const fields = Object.entries(message.fields).flatMap(([name, field]) => [
    `  /** ${comment(field)} */`,
    `  ${name}${message.required.includes(name) ? `: ${typeOf(field)}` : `?: ${typeOf(field)} | undefined`}`,
  ])
  return [`/** ${message.about} */`, `export interface ${message.name} {`, ...fields, '}'].join('\n')
}

function comment({ text = '', default: value, verdict, note }: Field): string {
  const parts = [text]
  if (value !== undefined) parts.push(`Default: ${value}.`)
  if (verdict === 'ignored') parts.push('Accepted and ignored, with a warning.')
  if (verdict === 'refused') parts.push('Refused.')
  if (note !== undefined) parts.push(`Here: ${note}.`)
  return parts.join(' ').replaceAll('*/', '*\u200b/')
}

function typeOf(shape: Shape): string {
  switch (shape.type) {
    case 'string':
    case 'bytes':
      return 'string'
    case 'duration':
      return 'DurationText'
    case 'boolean':
      return 'boolean'
    case 'integer':
    case 'number':
      return 'number'
    case 'enum':
      return shape.values.map(quoted).join(' | ')
    case 'list': {
      const of = typeOf(shape.of)
      return of.includes(' ') ? `(${of})[]` : `${of}[]`
    }
    case 'map':
      return `Record<string, ${typeOf(shape.of)}>`
    case 'message':
      return shape.name
    case 'any':
      return 'unknown'
  }
}

const quoted = (text: string) => `'${text}'`
