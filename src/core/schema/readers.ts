/** How each type of option is read. A description carries its own reader, so that types that nobody uses leave no trace in a bundle. */
import { append } from '../../base/append.ts'
import { parseSize } from '../../base/formats/size.ts'
import { LONGEST_MS, parseDuration } from '../../base/time/duration.ts'
import { Place, show, suggest } from './fault.ts'
import { readFields } from './read.ts'
import type { Option, Reader } from './types.ts'

export const readNumber: Reader = (value, at, option) =>
  typeof value !== 'number' || Number.isNaN(value) ? at.wrong(value, 'a number') : inRange(value, at, option)

export const readInteger: Reader = (value, at, option) =>
  Number.isInteger(value) || value === Infinity ? inRange(value as number, at, option) : at.wrong(value, 'a whole number')

export const readDuration: Reader = (value, at, option) => {
  if (typeof value === 'number' && !at.inCode) return at.wrong(value, 'a duration', 'in documents write a unit, e.g. "250ms" or "10s"')
  const ms = typeof value === 'string' ? parseDuration(value) : value
  if (typeof ms !== 'number' || Number.isNaN(ms)) return at.wrong(value, 'a duration', 'e.g. 250 (milliseconds), "250ms", "1m30s"')
  return Math.abs(ms) > LONGEST_MS ? at.fault('range', `${show(value)} is longer than any clock holds`) : inRange(ms, at, option)
}

export const readSize: Reader = (value, at, option) => {
  const bytes = typeof value === 'number' || typeof value === 'string' ? parseSize(value) : undefined
  return bytes === undefined ? at.wrong(value, 'a size', 'a number of bytes, or text such as "64Ki" or "1Mi"') : inRange(bytes, at, option)
}

function inRange(value: number, at: Place, { min = -Infinity, max = Infinity, above, unit }: Option): number | undefined {
  if ((above ? value > min : value >= min) && value <= max) return value
  const bounds = [min > -Infinity && `${above ? 'above' : 'at least'} ${min}`, max < Infinity && `at most ${max}`].filter(Boolean)
  return at.fault('range', `${value} is out of range`, `expected ${bounds.join(', ')}${unit ? ` ${unit}` : ''}`)
}

export const readBoolean: Reader = (value, at) => (typeof value === 'boolean' ? value : at.wrong(value, 'true or false'))

export const readString: Reader = (value, at, { pattern }) => {
  if (typeof value !== 'string') return at.wrong(value, 'a text')
  return pattern === undefined || pattern.test(value) ? value : at.wrong(value, `of the form ${pattern.source}`)
}

export const readEnum: Reader = (value, at, { values = [] }) => {
  if (values.includes(value as string)) return value
  return at.wrong(value, `one of ${values.join(', ')}`, typeof value === 'string' ? suggest(value, values) : undefined)
}

export const readFunction: Reader = (value, at) => (typeof value === 'function' && at.inCode ? value : at.wrong(value, 'a function'))

export const readArray: Reader = (value, at, { items, minItems = 0 }) => {
  if (!Array.isArray(value)) return at.wrong(value, 'a list')
  if (value.length < minItems) return at.wrong(value, `a list of at least ${minItems}`)
  return value.map((item, i) => items!.read(item, at.item(i), items!))
}

export const readMap: Reader = (value, at, { items }) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return at.wrong(value, 'an object')
  const copy: Record<string, unknown> = Object.create(null)
  for (const [key, item] of Object.entries(value)) copy[key] = items!.read(item, at.field(key), items!)
  return copy
}

export const readObject: Reader = (value, at, { fields }) => readFields(fields!, value, at)

/** The first alternative that has nothing against the value; otherwise the complaints of the one that came furthest. */
export const readUnion: Reader = (value, at, { of }) => {
  let nearest: Place | undefined
  for (const option of of!) {
    if (option.codeOnly === true && !at.inCode) continue
    const own = new Place(at.path, at.inCode)
    const result = option.read(value, own, option)
    if (own.faults.length === 0) return result
    if (nearest === undefined || depth(own) > depth(nearest)) nearest = own
  }
  append(at.faults, nearest!.faults)
  return undefined
}

const depth = ({ faults }: Place) => faults.reduce((longest, { path }) => Math.max(longest, path.length), 0)

export const readProvided: Reader = (value, at, { methods, example }) =>
  methods!.every(method => typeof (value as any)?.[method] === 'function')
    ? value
    : at.wrong(value, `an object with ${methods!.join(', ')}`, example && `such as ${example}`)

export const readAnything: Reader = value => value
