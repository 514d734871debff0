/** Checks what a user wrote against its description, fills in defaults and copies: the user's object is never kept or changed. All faults at once. */
import { parseSize } from '../../base/formats/size.ts'
import { LONGEST_MS, parseDuration } from '../../base/time/duration.ts'
import { OptionsError } from '../errors.ts'
import type { Fields, Option, OptionsOf } from './option.ts'

/** Something wrong in an options object or a document. */
export interface Fault {
  /** Where, e.g. `waitDurationInOpenState` or `spec.http[0].timeout`. */
  readonly path: string
  /** What is wrong, what was expected. */
  readonly message: string
  /** How to mend it. */
  readonly hint?: string | undefined
  readonly kind: 'type' | 'range' | 'unknown' | 'missing' | 'value'
}

/** Reads options given in code. Throws an `OptionsError` that names every fault; `check` says what no single option can be blamed for. */
export function readOptions<F extends Fields>(
  fields: F,
  given: unknown,
  what: string,
  check?: (settings: OptionsOf<F>) => readonly Fault[],
): OptionsOf<F> {
  const faults: Fault[] = []
  const result = readFields(fields, given ?? {}, '', faults, true)
  if (faults.length === 0 && check !== undefined) faults.push(...check(result as OptionsOf<F>))
  refuse(what, faults)
  return result as OptionsOf<F>
}

/** Throws an `OptionsError` that names all faults, if there are any. */
export function refuse(what: string, faults: readonly Fault[]): void {
  if (faults.length === 0) return
  const hinted = new Set<string | undefined>()
  const said = faults.map(({ path, message, hint }) => {
    const first = hint !== undefined && !hinted.has(hint)
    hinted.add(hint)
    return `${path ? `${path}: ` : ''}${message}${first ? ` (${hint})` : ''}`
  })
  throw new OptionsError(`${what}: ${said.join('; ')}`)
}

export const isRecord = (given: unknown): given is Record<string, unknown> =>
  typeof given === 'object' && given !== null && !Array.isArray(given)

/** Reads an object by its fields. Faults are added to `faults`; the result is usable only when none was. */
export function readFields(fields: Fields, given: unknown, path: string, faults: Fault[], inCode: boolean): Record<string, unknown> {
  const { known, empty } = shapeOf(fields, inCode)
  const result: Record<string, unknown> = { ...empty }
  if (!isRecord(given)) {
    faults.push({
      path,
      kind: 'type',
      message: `${show(given)} is not an object`,
      hint: `expected fields such as ${Object.keys(fields).slice(0, 3).join(', ')}`,
    })
    return result
  }
  const source = given as Record<string, unknown>
  for (const key of Object.keys(source))
    if (!known.includes(key) && source[key] !== undefined)
      faults.push(
        Object.hasOwn(fields, key)
          ? { path: join(path, key), kind: 'unknown', message: `${key} is a function, which only code can give` }
          : { path: join(path, key), kind: 'unknown', message: 'unknown option', hint: suggest(key, known) ?? listed(known) },
      )
  for (const key of known) {
    const option = fields[key]!
    const value = source[key]
    if (value === undefined || (value === null && !inCode)) {
      if (option.required) faults.push({ path: join(path, key), kind: 'missing', message: 'is required' })
      else result[key] = option.default === undefined ? undefined : readValue(option, option.default, join(path, key), faults, true)
    } else result[key] = readValue(option, value, join(path, key), faults, inCode)
  }
  return result
}

interface Shape {
  readonly known: readonly string[]
  readonly empty: Record<string, unknown>
}
const shapes: readonly [inDocuments: WeakMap<Fields, Shape>, inCode: WeakMap<Fields, Shape>] = [new WeakMap(), new WeakMap()]

/**
 * The fields that may be written, and an object that has them all. Copies of it are compact: one that grew key by key would be a hash table of seven times
 * the size, and every policy keeps its settings.
 */
function shapeOf(fields: Fields, inCode: boolean): Shape {
  const cache = shapes[inCode ? 1 : 0]
  let shape = cache.get(fields)
  if (shape === undefined) {
    const known = Object.keys(fields).filter(key => inCode || fields[key]!.codeOnly !== true)
    const empty = JSON.parse(`{${known.map(key => `${JSON.stringify(key)}:0`).join(',')}}`)
    for (const key of known) empty[key] = undefined
    shape = { known, empty }
    cache.set(fields, shape)
  }
  return shape
}

export function readValue(option: Option, value: unknown, path: string, faults: Fault[], inCode: boolean): unknown {
  const wrong = (expected: string, hint?: string): undefined => {
    faults.push({ path, kind: 'type', message: `${show(value)} is not ${expected}`, hint })
    return undefined
  }
  switch (option.type) {
    case 'number':
    case 'integer':
      if (typeof value !== 'number' || Number.isNaN(value)) return wrong(option.type === 'integer' ? 'a whole number' : 'a number')
      if (option.type === 'integer' && !Number.isInteger(value) && value !== Infinity) return wrong('a whole number')
      return inRange(option, value, path, faults)
    case 'duration': {
      if (typeof value === 'number' && !inCode) return wrong('a duration', 'in documents write a unit, e.g. "250ms" or "10s"')
      const ms = typeof value === 'number' ? value : typeof value === 'string' ? parseDuration(value) : undefined
      if (ms === undefined || Number.isNaN(ms)) return wrong('a duration', 'e.g. 250 (milliseconds), "250ms", "1m30s"')
      if (Math.abs(ms) > LONGEST_MS) {
        faults.push({ path, kind: 'range', message: `${show(value)} is longer than any clock holds` })
        return undefined
      }
      return inRange(option, ms, path, faults)
    }
    case 'size': {
      const bytes = typeof value === 'number' || typeof value === 'string' ? parseSize(value) : undefined
      return bytes === undefined
        ? wrong('a size', 'a number of bytes, or text such as "64Ki" or "1Mi"')
        : inRange(option, bytes, path, faults)
    }
    case 'boolean':
      return typeof value === 'boolean' ? value : wrong('true or false')
    case 'string':
      if (typeof value !== 'string') return wrong('a text')
      if (option.pattern !== undefined && !option.pattern.test(value)) return wrong(`of the form ${option.pattern.source}`)
      return value
    case 'enum':
      if (typeof value !== 'string' || !option.values!.includes(value))
        return wrong(`one of ${option.values!.join(', ')}`, typeof value === 'string' ? suggest(value, option.values!) : undefined)
      return value
    case 'function':
      return typeof value === 'function' && inCode ? value : wrong('a function')
    case 'array': {
      if (!Array.isArray(value)) return wrong('a list')
      if (option.minItems !== undefined && value.length < option.minItems) return wrong(`a list of at least ${option.minItems}`)
      return value.map((item, i) => readValue(option.items!, item, `${path}[${i}]`, faults, inCode))
    }
    case 'map': {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return wrong('an object')
      const copy: Record<string, unknown> = Object.create(null)
      for (const [key, item] of Object.entries(value)) copy[key] = readValue(option.items!, item, join(path, key), faults, inCode)
      return copy
    }
    case 'object':
      return readFields(option.fields!, value, path, faults, inCode)
    case 'union': {
      let nearest: Fault[] | undefined
      for (const alternative of option.of!) {
        if (alternative.codeOnly === true && !inCode) continue
        const own: Fault[] = []
        const result = readValue(alternative, value, path, own, inCode)
        if (own.length === 0) return result
        if (nearest === undefined || depth(own) > depth(nearest)) nearest = own
      }
      faults.push(...nearest!)
      return undefined
    }
    default:
      if (option.methods?.some(method => typeof (value as any)?.[method] !== 'function') === true)
        return wrong(`an object with ${option.methods.join(', ')}`, option.example && `such as ${option.example}`)
      return value
  }
}

function inRange(option: Option, value: number, path: string, faults: Fault[]): number | undefined {
  const { min, max, above } = option
  if ((min !== undefined && (above ? value <= min : value < min)) || (max !== undefined && value > max)) {
    const low = min === undefined ? '' : `${above ? 'above' : 'at least'} ${min}`
    const high = max === undefined ? '' : `at most ${max}`
    faults.push({
      path,
      kind: 'range',
      message: `${value} is out of range`,
      hint: `expected ${[low, high].filter(Boolean).join(', ')}${option.unit ? ` ${option.unit}` : ''}`,
    })
    return undefined
  }
  return value
}

const listed = (known: readonly string[]) => `known: ${known.slice(0, 12).join(', ')}${known.length > 12 ? ' …' : ''}`

const depth = (faults: readonly Fault[]) => Math.max(...faults.map(f => f.path.length))

export function join(path: string, key: string): string {
  const part = /^[A-Za-z_$][\w$-]*$/.test(key) ? key : JSON.stringify(key)
  return path === '' ? part : `${path}.${part}`
}

export function show(value: unknown): string {
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'number') return String(value)
  const text = written(value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

/** As JSON, with what JSON has no word for by its name. */
function written(value: unknown): string {
  try {
    return (
      JSON.stringify(value, (_key, part) =>
        typeof part === 'function' ? part.name || 'function' : typeof part === 'bigint' ? `${part}n` : part,
      ) ?? String(value)
    )
  } catch {
    return 'an object that contains itself'
  }
}

/** "did you mean …" with the nearest known name, or nothing. */
export function suggest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let least = Math.max(2, Math.floor(name.length / 3)) + 1
  for (const candidate of known) {
    const d = candidate.toLowerCase() === name.toLowerCase() ? 0 : distance(name.toLowerCase(), candidate.toLowerCase(), least)
    if (d < least) {
      least = d
      best = candidate
    }
  }
  return best === undefined ? undefined : `did you mean ${best}?`
}

function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    row = next
  }
  return row[b.length]!
}
