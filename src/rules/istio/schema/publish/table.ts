/** The table of a kind in the docs: every field, its type, its default, what it means and what becomes of it here. */
import type { Field, Message, Shape, Verdict } from '../field.ts'

const VERDICTS: Readonly<Record<Verdict, string>> = {
  same: 'same as Istio',
  'in-process': 'in-process meaning',
  ignored: 'accepted, ignored with a warning',
  refused: 'refused',
  own: 'our own',
}

/** One table for each message, the kind's own first; a field that holds a message links to its table. */
export function kindTables(spec: Message): string {
  const messages = new Map<string, Message>()
  collect(spec, messages)
  return [...messages.values()].map(table).join('\n\n')
}

function collect(message: Message, into: Map<string, Message>): void {
  if (into.has(message.name)) return
  into.set(message.name, message)
  for (const field of Object.values(message.fields)) {
    const inner = innermost(field)
    if (inner.type === 'message') collect(inner, into)
  }
}

function innermost(shape: Shape): Shape {
  return shape.type === 'list' || shape.type === 'map' ? innermost(shape.of) : shape
}

function table(message: Message): string {
  const rows = Object.entries(message.fields).map(([name, field]) => row(name, field, message.required.includes(name)))
  const groups = message.oneOf.map(names => `At most one of ${names.map(code).join(', ')}.`)
  return [
    `### ${message.name}`,
    '',
    [message.about, ...groups].join(' '),
    '',
    '| field | type | default | meaning | here |',
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n')
}

function row(name: string, field: Field, required: boolean): string {
  const value = required
    ? 'required'
    : field.default === undefined
      ? '–'
      : typeof field.default === 'string'
        ? field.default
        : code(String(field.default))
  const here = VERDICTS[field.verdict ?? 'same'] + (field.note === undefined ? '' : `: ${field.note}`)
  return `| ${[code(name), typeOf(field), value, field.text ?? '', here].map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

function typeOf(shape: Shape): string {
  switch (shape.type) {
    case 'message':
      return `[${shape.name}](#${shape.name.toLowerCase()})`
    case 'list':
      return `list of ${typeOf(shape.of)}${bounds(shape.min, shape.max)}`
    case 'map':
      return `map of ${typeOf(shape.of)}${bounds(undefined, shape.max)}`
    case 'enum':
      return shape.values.map(code).join(' ')
    case 'integer':
      return shape.format
    case 'number':
      return `number${bounds(shape.min, shape.max)}`
    case 'duration':
      return shape.least === 'any' ? 'duration' : 'duration, ≥ 1ms'
    case 'string':
      return `string${bounds(undefined, shape.maxLength)}`
    case 'any':
      return 'see below'
    default:
      return shape.type
  }
}

function bounds(min: number | undefined, max: number | undefined): string {
  const parts = [min === undefined ? '' : `≥ ${min}`, max === undefined ? '' : `≤ ${max}`].filter(Boolean)
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`
}

const code = (text: string) => `\`${text}\``
