/**
 * Orders and settings of policies that are valid and will surprise: said by `describe()`, never forbidden. A rule stands in the file of the policy that it is
 * about, which brings it along, so nobody carries the rules of policies that he does not use. What somebody may well mean is not said: a fallback for one
 * kind of error inside a breaker, a bulkhead that nobody waits for.
 */
import type { Description } from '../description.ts'

/** One order that surprises. */
export interface Surprise {
  readonly outer: readonly string[]
  readonly inner: readonly string[]
  /** Why; it follows `outer stands outside inner: `. A function gives nothing when all is well. `further`: what stands further out than `outer`. */
  readonly why: string | ((outer: Description, inner: Description, further: readonly Description[]) => string | false)
}

/** Everything that surprises in a row of policies, the first outermost; pipelines in it count as their parts, and a `keyed` as the policy of a key. */
export function surprises(row: readonly Description[], rules: Iterable<Surprise>): string[] {
  const flat = row.flatMap(flatten)
  const found = new Set<string>()
  for (const { outer, inner, why } of new Set(rules))
    flat.forEach((one, at) => {
      if (!outer.includes(one.kind)) return
      for (const other of flat.slice(at + 1)) {
        const text = inner.includes(other.kind) && (typeof why === 'string' ? why : why(one, other, flat.slice(0, at)))
        if (text) found.add(`${one.kind} stands outside ${other.kind}: ${text}`)
      }
    })
  return [...found]
}

function flatten(description: Description): Description[] {
  return description.inner?.flatMap(flatten) ?? [description]
}

/** A number among the settings; NaN when it is none, so that no comparison holds. */
export function number({ options }: Description, name: string): number {
  const value = options[name]
  return typeof value === 'number' ? value : Number.NaN
}
