/** Makes the policies in front of a cluster from the blocks of its ResiliencePolicy. What stays the same keeps what it counted. */
import type { Clock } from '../base/time/clock.ts'
import type { Random } from '../base/time/random.ts'
import { link } from '../core/layer.ts'
import type { WireResponse } from '../core/transport.ts'
import { bulkhead } from '../policies/bulkhead/index.ts'
import { circuitBreaker } from '../policies/circuit-breaker/index.ts'
import { rateLimiter } from '../policies/rate-limiter/index.ts'
import { timeLimiter } from '../policies/time-limiter/index.ts'
import type { Guard, GuardLinker } from '../traffic/engine/guard.ts'
import type { Resilience } from './resilience.ts'

interface Kept extends Guard {
  readonly policies: Policies
}
interface Policies {
  circuitBreaker?: ReturnType<typeof circuitBreaker<WireResponse>>
  rateLimiter?: ReturnType<typeof rateLimiter>
  timeLimiter?: ReturnType<typeof timeLimiter>
  bulkhead?: ReturnType<typeof bulkhead>
}

/** In HTTP a status of 500 or more is a failure. */
const recordResult = (response: WireResponse) => response.status >= 500

export interface GuardSurroundings {
  readonly clock: Clock
  readonly random: Random
  /** The breaker of a cluster changed its state. */
  transition(cluster: string, event: { from: string; to: string; cause: string; at: number }): void
}

export function guardLinker(blocks: Resilience | undefined, around: GuardSurroundings): GuardLinker {
  return (before, innermost, cluster) => {
    if (blocks === undefined) return undefined
    const old = (before as Kept | undefined)?.policies
    const surroundings = { clock: around.clock, random: around.random, name: cluster }
    const policies: Policies = {}
    const { scope: _scope, ...breaker } = blocks.circuitBreaker ?? {}
    if (blocks.circuitBreaker !== undefined) {
      if (old?.circuitBreaker !== undefined) {
        old.circuitBreaker.update({ ...breaker, recordResult })
        policies.circuitBreaker = old.circuitBreaker
      } else {
        policies.circuitBreaker = circuitBreaker<WireResponse>({ ...breaker, recordResult }, surroundings)
        policies.circuitBreaker.on('transition', event => around.transition(cluster, event))
      }
    }
    if (blocks.rateLimiter !== undefined) {
      old?.rateLimiter?.update(blocks.rateLimiter)
      policies.rateLimiter = old?.rateLimiter ?? rateLimiter(blocks.rateLimiter, surroundings)
    }
    if (blocks.timeLimiter !== undefined) {
      old?.timeLimiter?.update(blocks.timeLimiter)
      policies.timeLimiter = old?.timeLimiter ?? timeLimiter(blocks.timeLimiter, surroundings)
    }
    if (blocks.bulkhead !== undefined) {
      old?.bulkhead?.update(blocks.bulkhead)
      policies.bulkhead = old?.bulkhead ?? bulkhead(blocks.bulkhead, surroundings)
    }
    const chain = [policies.circuitBreaker, policies.rateLimiter, policies.timeLimiter, policies.bulkhead].filter(p => p !== undefined)
    const next = link(
      chain.flatMap(p => p.parts),
      innermost,
    )
    const direct = blocks.fallback?.directResponse
    const kept: Kept = {
      next: chain.length === 0 ? undefined : next,
      fallback: direct === undefined ? undefined : { status: direct.status ?? 200, body: direct.body?.string ?? '' },
      breaker: policies.circuitBreaker,
      policies,
      snapshot: () => ({
        ...(policies.circuitBreaker && { circuitBreaker: { state: policies.circuitBreaker.state, ...policies.circuitBreaker.metrics } }),
        ...(policies.rateLimiter && { rateLimiter: policies.rateLimiter.metrics }),
        ...(policies.bulkhead && { bulkhead: policies.bulkhead.metrics }),
      }),
    }
    return kept
  }
}
