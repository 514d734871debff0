/** A weighted split for code: Istio's HTTPRouteDestination list, by chance or, with `by`, always the same for the same key. */
import { xxhash64 } from '../../../base/formats/xxhash64.ts'
import { type Random, systemRandom } from '../../../base/time/random.ts'
import type { Call } from '../../../core/call.ts'
import { OptionsError } from '../../../core/errors.ts'
import { type Policy, policy } from '../../../core/policy.ts'

export interface WeightedDestination {
  destination: { host: string; subset?: string; port?: { number: number } }
  /** Share of the total; alone it does not matter. */
  weight?: number
}

export interface WeightedRouter extends Policy {
  /** The destination of a call. */
  pick(call?: Call): WeightedDestination['destination']
}

/**
 * Makes a split. As a policy it sets `call.destination`.
 *
 * @throws OptionsError when there is no destination, a weight is negative, or all are 0.
 * @example
 * const split = weightedRouter([{ destination: { host: 'v1' }, weight: 90 }, { destination: { host: 'v2' }, weight: 10 }])
 */
export function weightedRouter(
  destinations: readonly WeightedDestination[],
  around: { by?: (call: Call | undefined) => string | undefined; random?: Random; name?: string } = {},
): WeightedRouter {
  const { by, random = systemRandom, name = '' } = around
  if (destinations.length === 0) throw new OptionsError('weightedRouter: at least one destination is required')
  const entries = destinations.map(({ destination, weight }, i) => {
    const share = destinations.length === 1 ? 1 : (weight ?? 0)
    if (!(Number.isInteger(share) && share >= 0))
      throw new OptionsError(`weightedRouter: [${i}].weight: ${weight} is not a whole number of at least 0`)
    return { destination: Object.freeze({ ...destination }), weight: share }
  })
  const total = entries.reduce((sum, e) => sum + e.weight, 0)
  if (total === 0) throw new OptionsError('weightedRouter: every weight is 0; nothing could be chosen')
  const pick = (call?: Call) => {
    const key = by?.(call)
    let rest = key === undefined ? Math.floor(random() * total) : Number(xxhash64(key) % BigInt(total))
    for (const entry of entries) {
      if (rest < entry.weight) return entry.destination
      rest -= entry.weight
    }
    return entries[0]!.destination
  }
  return Object.assign(
    policy(
      'weightedRouter',
      name,
      next => call => {
        call.destination = pick(call)
        return next(call)
      },
      () => ({ kind: 'weightedRouter', name, options: { destinations: entries } }),
    ),
    { pick },
  )
}
