/** Makes the policies in front of a cluster from the blocks of its ResiliencePolicy. What stays the same keeps what it counted. */
import type { Clock } from '../base/time/clock.ts'
import type { Random } from '../base/time/random.ts'
import type { Guard, GuardLinker } from '../traffic/engine/guard.ts'
import type { Resilience } from './resilience.ts'

export function guardLinker(blocks: Resilience | undefined, _around: { clock: Clock; random: Random }): GuardLinker {
  return (_before, _innermost, _cluster): Guard | undefined => {
    if (blocks === undefined) return undefined
    const direct = blocks.fallback?.directResponse
    return {
      next: undefined,
      fallback: direct === undefined ? undefined : { status: direct.status ?? 200, body: direct.body?.string ?? '' },
      breaker: undefined,
      snapshot: () => ({}),
    }
  }
}
