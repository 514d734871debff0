/**
 * Copies of objects that a program gives, as plain data: without prototypes, cut off from what the
 * program may change later, and within bounds, since an object may contain itself or share parts.
 */

export interface PlainLimits {
  /** Nesting. Default 100. */
  depth?: number
  /** Values in all; what several parents share is copied, and counts, for each. Default 2,000,000. */
  values?: number
}

const LIMITS: Required<PlainLimits> = { depth: 100, values: 2_000_000 }

/**
 * A copy of a value with null prototypes. Dates become text and big integers numbers.
 *
 * @throws Error for a value that contains itself, is nested too deeply or too large, and whatever
 * a getter of it throws.
 */
export function copyPlain(value: unknown, limits?: PlainLimits): unknown {
  return new PlainCopy({ ...LIMITS, ...limits }).copy(value, 0)
}

class PlainCopy {
  readonly #limits: Required<PlainLimits>
  /** The objects that the one being copied is in. */
  readonly #parents = new Set<object>()
  #values = 0

  constructor(limits: Required<PlainLimits>) {
    this.#limits = limits
  }

  copy(value: unknown, depth: number): unknown {
    if (++this.#values > this.#limits.values) throw new Error(`more than ${this.#limits.values} values`)
    if (typeof value === 'bigint') return Number(value)
    if (typeof value !== 'object' || value === null) return value
    if (value instanceof Date) return value.toISOString()
    if (this.#parents.has(value)) throw new Error('the object contains itself')
    if (depth > this.#limits.depth) throw new Error(`nested deeper than ${this.#limits.depth}`)
    this.#parents.add(value)
    const copied = Array.isArray(value) ? this.#list(value, depth) : this.#map(value, depth)
    this.#parents.delete(value)
    return copied
  }

  #list(value: readonly unknown[], depth: number): unknown[] {
    const items: unknown[] = []
    // By index: a hole is an empty item.
    for (let at = 0; at < value.length; at++) items.push(this.copy(value[at], depth + 1))
    return items
  }

  #map(value: object, depth: number): Record<string, unknown> {
    const plain = Object.create(null) as Record<string, unknown>
    for (const name of Object.keys(value)) plain[name] = this.copy((value as Record<string, unknown>)[name], depth + 1)
    return plain
  }
}
