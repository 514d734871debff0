/** Checks what a user wrote against its description, fills in defaults and copies: the user's object is never kept or changed. All faults at once. */
import { type Fault, Place, refuse, suggest } from './fault.ts'
import type { Fields, OptionsOf } from './types.ts'

export { type Fault, Place, refuse, show, suggest } from './fault.ts'

/** Whether something is an object with fields. */
export const isRecord = (given: unknown): given is Record<string, unknown> =>
  typeof given === 'object' && given !== null && !Array.isArray(given)

/** Reads an object by its fields. The result is usable only when nothing was found wrong. */
export function readFields(fields: Fields, given: unknown, at: Place): Record<string, unknown> {
  const { known, empty } = shapeOf(fields, at.inCode)
  const result = { ...empty }
  if (!isRecord(given)) {
    at.wrong(given, 'an object', `expected fields such as ${Object.keys(fields).slice(0, 3).join(', ')}`)
    return result
  }
  for (const key of Object.keys(given))
    if (!known.includes(key) && given[key] !== undefined) {
      if (Object.hasOwn(fields, key)) at.field(key).fault('unknown', `${key} is a function, which only code can give`)
      else at.field(key).fault('unknown', 'unknown option', suggest(key, known) ?? listed(known))
    }
  for (const key of known) {
    const option = fields[key]!
    const value = given[key]
    const place = at.field(key)
    if (value !== undefined && (value !== null || at.inCode)) result[key] = option.read(value, place, option)
    else if (option.required) place.fault('missing', 'is required')
    else if (option.default !== undefined) result[key] = option.read(option.default, new Place(place.path, true, at.faults), option)
  }
  return result
}

const listed = (known: readonly string[]) => `known: ${known.slice(0, 12).join(', ')}${known.length > 12 ? ' …' : ''}`

interface Shape {
  readonly known: readonly string[]
  readonly empty: Record<string, unknown>
}
const shapes = /* @__PURE__ */ new WeakMap<Fields, Shape>()

/**
 * The fields that may be written, and an object that has them all. Copies of it are compact: one that grew key by key would be a hash table of seven times
 * the size, and every policy keeps its settings. Documents are read once, so only the shapes of code are kept.
 */
function shapeOf(fields: Fields, inCode: boolean): Shape {
  let shape = inCode ? shapes.get(fields) : undefined
  if (shape === undefined) {
    const known = Object.keys(fields).filter(key => inCode || fields[key]!.codeOnly !== true)
    const empty = JSON.parse(`{${known.map(key => `${JSON.stringify(key)}:0`)}}`)
    for (const key of known) empty[key] = undefined
    shape = { known, empty }
    if (inCode) shapes.set(fields, shape)
  }
  return shape
}

/** Reads options given in code. Throws an `OptionsError` that names every fault; `check` says what no single option can be blamed for. */
export function readOptions<F extends Fields>(
  fields: F,
  given: unknown,
  what: string,
  check?: (settings: OptionsOf<F>) => readonly Fault[],
): OptionsOf<F> {
  const at = new Place('', true)
  const settings = readFields(fields, given ?? {}, at) as OptionsOf<F>
  refuse(what, at.faults)
  if (check !== undefined) refuse(what, check(settings))
  return settings
}
