/** What a call asks for, when nobody says it: the function, its `this` and its arguments. Only plain values can be told apart by text. */
import type { Call } from '../../core/call.ts'
import { guarded, report } from '../../core/events.ts'

let serial = 0
const identities = new WeakMap<object, number>()

/** A number of its own for each object. */
function identity(of: object): number {
  let known = identities.get(of)
  if (known === undefined) identities.set(of, (known = ++serial))
  return known
}

/** `undefined`: the call came without arguments that could be compared, so it must not be cached by them. */
export function defaultKey({ work, args, self }: Call): string | undefined {
  if (work === undefined || args === undefined) return undefined
  let key = String(identity(work))
  if (typeof self === 'object' && self !== null) key += `@${identity(self)}`
  for (const arg of args) {
    if (arg !== null && (typeof arg === 'object' || typeof arg === 'function' || typeof arg === 'symbol')) return undefined
    // The type tells 1 from '1', the length where one text ends and the next begins.
    const text = Object.is(arg, -0) ? '-0' : String(arg)
    key += `|${arg === null ? 'null' : typeof arg}${text.length}:${text}`
  }
  return key
}

/** A hook that failed, or wants no key. */
export const NO_KEY = Symbol('no key')

/** What a hook returned, as part of a key. What has no text of its own is reported: all such values would share what is kept. */
export function keyText(value: unknown, hook: string): string | undefined {
  if (value === NO_KEY) return undefined
  const hasText = value === null || !['object', 'function', 'symbol'].includes(typeof value)
  if (hasText && !Number.isNaN(value)) return String(value)
  const own = typeof value === 'object' ? (value as { toString?: unknown }).toString : undefined
  if (typeof own === 'function' && own !== Object.prototype.toString) return guarded(String, value)
  report(
    new TypeError(
      `cache: ${hook} returned ${Number.isNaN(value) ? 'NaN' : `a value of type ${typeof value}`}, expected text; the call is not cached`,
    ),
  )
  return undefined
}

/** A rough size, for the limit of a store. */
export function roughSize(result: unknown): number {
  if (typeof result === 'string') return result.length * 2
  if (typeof result !== 'object' || result === null) return 8
  if (ArrayBuffer.isView(result) || result instanceof ArrayBuffer) return result.byteLength
  try {
    return JSON.stringify(result).length * 2
  } catch {
    return Number.POSITIVE_INFINITY // cyclic, or with a bigint: its size is unknown, so it is too large to keep
  }
}
