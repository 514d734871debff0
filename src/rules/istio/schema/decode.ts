/**
 * Reads a spec as Istio's decoder does, which is more lenient than the CRD: unknown fields fall away, snake_case names, quoted numbers
 * and enum numbers are understood, null is the same as absent. What falls away or needed understanding is reported all the same.
 */
import { parseDuration } from '../../../base/time/duration.ts'
import { show, suggest } from '../../../core/schema/read.ts'
import { member } from '../document.ts'
import type { Field, Message } from './field.ts'
import { NEWER } from './newer.ts'

/**
 * `refused`: Istio's decoder refuses. `unknown`: it drops. `crd`: it understands, the API server would not. `ignored`: all is well, but
 * nothing happens here.
 */
export interface DecodeFault {
  level: 'refused' | 'unknown' | 'crd' | 'ignored'
  code: string
  path: string
  message: string
  hint?: string
}

type Report = (fault: DecodeFault) => void

/** A spec in its normal form, and what is to say about how it was written. */
export function decode(spec: Message, value: unknown, path: string): { value: Record<string, any>; faults: DecodeFault[] } {
  const faults: DecodeFault[] = []
  const decoded = field(spec, value ?? {}, path, fault => faults.push(fault))
  return { value: (decoded ?? Object.create(null)) as Record<string, any>, faults }
}

type Reader<F extends Field> = (type: F, value: unknown, path: string, report: Report) => unknown

const READERS: { readonly [T in Field['type']]: Reader<Extract<Field, { type: T }>> } = {
  string: text,
  boolean: (_, value, path, report) => (typeof value === 'boolean' ? value : wrong('true or false', value, path, report)),
  integer,
  number: float,
  duration: durationText,
  enum: enumName,
  bytes: base64,
  list: items,
  map: entries,
  message: fields,
  any: (_, value) => value,
}

function field(type: Field, value: unknown, path: string, report: Report): unknown {
  return (READERS[type.type] as Reader<Field>)(type, value, path, report)
}

function text(type: { maxLength?: number }, value: unknown, path: string, report: Report): unknown {
  if (typeof value !== 'string') {
    const hint = typeof value === 'object' ? undefined : `write it in quotes: ${JSON.stringify(String(value))}`
    return wrong('text', value, path, report, hint)
  }
  if (type.maxLength !== undefined && value.length > type.maxLength)
    report(crd('too-long', path, `longer than ${type.maxLength} characters`))
  return value
}

/** With padding and in the alphabet of the standard, as Go reads it: line ends are passed over. */
function base64(_: unknown, value: unknown, path: string, report: Report): unknown {
  const plain = typeof value === 'string' ? value.replace(/[\r\n]/g, '') : undefined
  if (plain === undefined || !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(plain))
    return wrong('base64 text', value, path, report, 'with + and /, and = up to a multiple of four')
  if (plain === '' || plain !== value) report(crd('not-base64', path, 'base64 text is expected, on one line and not empty'))
  return plain
}

function integer(type: { min: number; max: number }, value: unknown, path: string, report: Report): unknown {
  let number = value
  if (typeof value === 'string' && /^-?\d+$/.test(value)) {
    number = Number(value)
    report(crd('quoted-number', path, `${show(value)} is text, a number is expected`, `write ${value} without quotes`))
  }
  if (typeof number !== 'number' || !Number.isInteger(number)) return wrong('a whole number', value, path, report)
  if (number >= type.min && number <= type.max) return number
  report({ level: 'refused', code: 'out-of-range', path, message: `${number} is not between ${type.min} and ${type.max}` })
  return undefined
}

function float(type: { min?: number; max?: number }, value: unknown, path: string, report: Report): unknown {
  let number = value
  if (typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value))) {
    number = Number(value)
    report(crd('quoted-number', path, `${show(value)} is text, a number is expected`, `write ${value} without quotes`))
  }
  if (typeof number !== 'number' || !Number.isFinite(number)) return wrong('a number', value, path, report)
  if ((type.min !== undefined && number < type.min) || (type.max !== undefined && number > type.max))
    report(
      crd(
        'out-of-range',
        path,
        `${number} is not ${type.max === undefined ? `at least ${type.min}` : `between ${type.min} and ${type.max}`}`,
      ),
    )
  return number
}

/** Go counts nanoseconds in 63 bits. */
const LONGEST_GO_MS = 9_223_372_036_854.775

function durationText(type: { least?: 'any' }, value: unknown, path: string, report: Report): unknown {
  const ms = typeof value === 'string' ? parseDuration(value) : undefined
  if (ms === undefined) {
    const bare = typeof value === 'number' || (typeof value === 'string' && /^\d+(\.\d+)?$/.test(value))
    const days = typeof value === 'string' ? /^(\d+)d$/.exec(value) : null
    const hint = bare
      ? `add a unit: "${String(value)}s"`
      : days !== null
        ? `days are no unit; write "${Number(days[1]) * 24}h"`
        : 'such as "250ms", "1.5s" or "1h30m"'
    report({ level: 'refused', code: 'invalid-duration', path, message: `${show(value)} is no duration`, hint })
    return undefined
  }
  if (Math.abs(ms) > LONGEST_GO_MS) {
    const message = `${show(value)} is longer than a duration can be`
    report({ level: 'refused', code: 'invalid-duration', path, message, hint: 'at most 2562047h47m16s, which is 292 years' })
    return undefined
  }
  if (type.least !== 'any' && ms < 1)
    report(crd('duration-too-short', path, `${show(value)} is shorter than 1ms`, 'leave the field out to have no limit'))
  return value
}

function enumName(type: { values: readonly string[]; closed?: true }, value: unknown, path: string, report: Report): unknown {
  if (typeof value === 'number' && value === (value | 0) && (type.values[value] !== undefined || !type.closed)) {
    const name = type.values[value]
    report(crd('enum-number', path, `${value} stands for ${name ?? 'nothing'}; the CRD wants the name`))
    return name
  }
  if (typeof value === 'string' && type.values.includes(value)) return value
  const near = typeof value === 'string' ? suggest(value, type.values) : undefined
  report({
    level: 'refused',
    code: 'unknown-value',
    path,
    message: `${show(value)} is not one of ${type.values.join(', ')}`,
    hint: near ?? `use one of ${type.values.join(', ')}`,
  })
  return undefined
}

function items(type: { of: Field; min?: number; max?: number }, value: unknown, path: string, report: Report): unknown {
  if (!Array.isArray(value)) return wrong('a list', value, path, report, 'put "- " before each item')
  if (type.min !== undefined && value.length < type.min) report(crd('too-few', path, `at least ${type.min} is needed`))
  if (type.max !== undefined && value.length > type.max)
    report(crd('too-many', path, `${value.length} items; at most ${type.max} are allowed`))
  return value.map((item, index) => {
    if (item !== null && item !== undefined) return field(type.of, item, member(path, index), report) ?? emptyOf(type.of)
    report(crd('null', member(path, index), 'an empty item'))
    return emptyOf(type.of)
  })
}

function entries(type: { of: Field; max?: number }, value: unknown, path: string, report: Report): unknown {
  if (!isObject(value)) return wrong('a map of names and values', value, path, report)
  const map = Object.create(null) as Record<string, unknown>
  const names = Object.keys(value)
  if (type.max !== undefined && names.length > type.max)
    report(crd('too-many', path, `${names.length} entries; at most ${type.max} are allowed`))
  for (const name of names) {
    const given = value[name]
    if (given === null || given === undefined) {
      report(crd('null', member(path, name), 'an empty value', type.of.type === 'message' ? 'write {} for "is present"' : undefined))
      map[name] = emptyOf(type.of)
    } else {
      const decoded = field(type.of, given, member(path, name), report)
      if (decoded !== undefined) map[name] = decoded
    }
  }
  return map
}

function fields(type: Message, value: unknown, path: string, report: Report): unknown {
  if (!isObject(value)) return wrong('a map of fields', value, path, report)
  const message = Object.create(null) as Record<string, unknown>
  for (const written of Object.keys(value)) {
    const name = nameOf(type, written)
    const at = member(path, written)
    if (name === undefined) {
      const near = NEWER.has(written) ? 'this field is newer than Istio 1.29' : suggest(written, Object.keys(type.fields))
      report({
        level: 'unknown',
        code: 'unknown-field',
        path: at,
        message: `unknown field ${JSON.stringify(written)}`,
        hint: near ?? `known here: ${Object.keys(type.fields).join(', ')}`,
      })
      continue
    }
    if (name !== written && written !== 'mirror_percent')
      report({
        level: 'unknown',
        code: 'unknown-field',
        path: at,
        message: `${written} is ${name} in the CRD`,
        hint: `did you mean ${name}?`,
      })
    const given = value[written]
    if (given === undefined) continue
    if (given === null) {
      report(crd('null', at, `${written} is empty`, 'leave the field out, or give it a value'))
      continue
    }
    const of = type.fields[name]!
    const decoded = field(of, given, at, report)
    if (decoded !== undefined) message[name] = decoded
    if (of.verdict === 'ignored' && decoded !== undefined)
      report({
        level: 'ignored',
        code: 'not-executed',
        path: at,
        message: `${name} is read and has no effect here`,
        hint: of.note ?? 'leave it out unless a sidecar reads the document too',
      })
  }
  for (const name of type.required) if (!(name in message)) report(crd('required', path, `${name} is required`))
  for (const group of type.oneOf) {
    const given = group.filter(name => name in message)
    if (given.length > 1) report(crd('one-of', member(path, given[1]!), `only one of ${given.join(', ')} may be given`))
  }
  return message
}

/** The field a written name means: itself, or its camelCase. */
function nameOf(type: Message, written: string): string | undefined {
  if (Object.hasOwn(type.fields, written)) return written
  if (!written.includes('_')) return undefined
  const camel = written.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
  return Object.hasOwn(type.fields, camel) ? camel : undefined
}

function emptyOf(type: Field): unknown {
  if (type.type === 'message' || type.type === 'map') return Object.create(null)
  if (type.type === 'list') return []
  return type.type === 'string' ? '' : type.type === 'integer' || type.type === 'number' ? 0 : type.type === 'boolean' ? false : undefined
}

function wrong(expected: string, value: unknown, path: string, report: Report, hint?: string): undefined {
  report({
    level: 'refused',
    code: 'wrong-type',
    path,
    message: `${show(value)} where ${expected} is expected`,
    ...(hint !== undefined && { hint }),
  })
}

function crd(code: string, path: string, message: string, hint?: string): DecodeFault {
  return { level: 'crd', code, path, message, ...(hint !== undefined && { hint }) }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
