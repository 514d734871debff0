/** A weighted split for code: Istio's HTTPRouteDestination list, by chance or, with `by`, always the same for the same key. */

import { nameOfPlace, placeOfKey } from '../../../base/formats/rendezvous.ts'
import { xxhash64 } from '../../../base/formats/xxhash64.ts'
import { type Random, systemRandom } from '../../../base/time/random.ts'
import type { Call } from '../../../core/call.ts'
import { OptionsError } from '../../../core/errors.ts'
import { askHook } from '../../../core/hooks.ts'
import { type Policy, policy } from '../../../core/policy.ts'
import { readAround } from '../../../core/schema/around.ts'
import { type Fault, Place, readFields } from '../../../core/schema/index.ts'
import { GOES_ON, type Step } from '../../../core/step.ts'
import { type WeightedDestination, weightedRouterAroundFields, weightedRouterFields } from './options/weighted-router.ts'

export type { WeightedDestination }

export interface WeightedRouter extends Policy {
  /** The destination of a call. */
  pick(call?: Call): WeightedDestination['destination']
  /** A new split; the next call follows it. */
  update(destinations: readonly WeightedDestination[]): void
}

/**
 * Makes a split. As a policy it sets `call.destination`, once per call: tries of a retry further in go the same way.
 *
 * @throws OptionsError when there is no destination, a weight is negative, or all are 0.
 * @example
 * const split = weightedRouter([{ destination: { host: 'v1' }, weight: 90 }, { destination: { host: 'v2' }, weight: 10 }])
 * const counts = { v1: 0, v2: 0 }
 * for (let i = 0; i < 1000; i++) counts[split.pick().host]++
 * console.log(counts.v1 > counts.v2) // => true
 */
export function weightedRouter(
  destinations: readonly WeightedDestination[],
  around: {
    /** The key that keeps a caller on its side. `undefined`: by chance. */
    by?: ((call: Call | undefined) => string | undefined) | undefined
    random?: Random | undefined
    name?: string | undefined
  } = {},
): WeightedRouter {
  const { by, random = systemRandom, name = '' } = readAround(around, 'weightedRouter', weightedRouterAroundFields)
  let { entries, total } = readSplit(destinations)
  const pick = (call?: Call) => {
    const key = by && askHook(by, undefined, call)
    if (key !== undefined && key !== null) return entries[placeOfKey(entries, xxhash64(String(key)))]!.destination
    let rest = Math.floor(random() * total)
    for (const entry of entries) {
      if (rest < entry.weight) return entry.destination
      rest -= entry.weight
    }
    return entries[0]!.destination
  }
  const step: Step<undefined> = {
    admit(call) {
      call.destination = pick(call)
    },
    answered: (_call, _pass, value) => value,
    failed: () => GOES_ON,
  }
  return Object.assign(
    policy('weightedRouter', name, step, () => ({ destinations: entries.map(({ destination, weight }) => ({ destination, weight })) })),
    {
      pick,
      update(changed: readonly WeightedDestination[]) {
        ;({ entries, total } = readSplit(changed))
      },
    },
  )
}

interface Split {
  readonly entries: readonly { readonly destination: WeightedDestination['destination']; readonly name: bigint; readonly weight: number }[]
  readonly total: number
}

function readSplit(destinations: readonly WeightedDestination[]): Split {
  const say = (faults: readonly Fault[]) =>
    faults.map(f => `weightedRouter: ${f.path}: ${f.message}${f.hint ? `; ${f.hint}` : ''}`).join('\n')
  if (!Array.isArray(destinations) || destinations.length === 0)
    throw new OptionsError('weightedRouter: at least one destination is required')
  const faults: Fault[] = []
  const read = destinations.map((entry, i) => readFields(weightedRouterFields, entry, new Place(`[${i}]`, true, faults)))
  if (faults.length > 0) throw new OptionsError(say(faults))
  const entries = (read as { destination: WeightedDestination['destination']; weight: number }[]).map(({ destination, weight }) => ({
    destination: Object.freeze({ ...destination }),
    name: nameOfPlace(`${destination.host}|${destination.subset ?? ''}|${destination.port?.number ?? ''}`),
    weight: read.length === 1 ? 1 : weight,
  }))
  const total = entries.reduce((sum, e) => sum + e.weight, 0)
  if (total === 0) throw new OptionsError('weightedRouter: every weight is 0; nothing could be chosen')
  return { entries, total }
}
