/** Makes the policies in front of a cluster from the blocks of its ResiliencePolicy, and those that a route has in their place. What stays the same keeps what it counted. */
import type { Clock } from '../base/time/clock.ts'
import type { Random } from '../base/time/random.ts'
import { BulkheadFullError, CircuitOpenError, RateLimitedError, reject } from '../core/errors.ts'
import { Emitter } from '../core/events.ts'
import { link } from '../core/layer.ts'
import type { Next } from '../core/next.ts'
import { BLOCKS } from '../core/schema/policies/index.ts'
import type { WireResponse } from '../core/transport.ts'
import { httpDrop } from '../policies/adaptive-concurrency/drop.ts'
import { adaptiveConcurrency } from '../policies/adaptive-concurrency/index.ts'
import { bulkhead } from '../policies/bulkhead/index.ts'
import { type CacheSettings, readCacheOptions } from '../policies/cache/options.ts'
import { circuitBreaker } from '../policies/circuit-breaker/index.ts'
import { hedgeMetrics } from '../policies/hedge/index.ts'
import { HEDGE_EVENTS, type HedgeEvents, Hedging } from '../policies/hedge/layer.ts'
import { readHedgeOptions } from '../policies/hedge/options.ts'
import { rateLimiter } from '../policies/rate-limiter/index.ts'
import { timeLimiter } from '../policies/time-limiter/index.ts'
import { fallbackOf, type Guard, type GuardLinker, type Observed } from '../traffic/engine/guard.ts'
import { ResponseCache } from '../traffic/engine/response-cache.ts'
import type { ClusterResilience, Resilience, RouteResilience } from './resilience.ts'
import type { RouteBreakers } from './route-breakers.ts'

interface Policies {
  circuitBreaker?: ReturnType<typeof circuitBreaker<WireResponse>>
  rateLimiter?: ReturnType<typeof rateLimiter>
  timeLimiter?: ReturnType<typeof timeLimiter>
  bulkhead?: ReturnType<typeof bulkhead>
  adaptiveConcurrency?: ReturnType<typeof adaptiveConcurrency>
  hedge?: Hedging
  cache?: ResponseCache
}
interface Kept extends Guard {
  readonly policies: Policies
}

/** Outermost first: an open breaker costs no token and no slot. */
const ORDER = ['circuitBreaker', 'rateLimiter', 'timeLimiter', 'bulkhead', 'adaptiveConcurrency'] as const

const MAKE = { circuitBreaker, rateLimiter, timeLimiter, bulkhead, adaptiveConcurrency } as Record<
  (typeof ORDER)[number],
  (options: object, around: object) => any
>

/** In HTTP a status of 500 or more is a failure, and some say that the callee has too much to do. */
const HOOKS: { [block: string]: object } = {
  circuitBreaker: { recordResult: (response: WireResponse) => response.status >= 500 },
  adaptiveConcurrency: { isDrop: httpDrop },
}

export interface GuardSurroundings {
  /** The breakers of routes; they belong to no cluster. */
  readonly breakers: RouteBreakers
  readonly clock: Clock
  readonly random: Random
  /** The cache, where several clusters share one. */
  cache?: ((settings: CacheSettings) => ResponseCache) | undefined
  /** The breaker of a cluster changed its state. */
  transition(cluster: string, event: { from: string; to: string; cause: string; at: number }): void
}

export function guardLinker(plan: ClusterResilience | undefined, around: GuardSurroundings): GuardLinker {
  return (before, innermost, cluster) => {
    if (plan === undefined) return undefined
    const policiesOf = (guard: Guard | undefined) => (guard as Kept | undefined)?.policies
    const blocks = plan.own ?? {}
    const own = policiesFrom(blocks, policiesOf(before?.own), around, cluster)
    const routes = new Map<string, Guard>()
    for (const [route, special] of Object.entries(plan.routes ?? {})) {
      const name = `${cluster} of route ${route}`
      const policies = { ...own, ...policiesFrom(special, policiesOf(before?.routes.get(route)), around, name) }
      routes.set(route, guarded(policies, special.fallback ?? blocks.fallback, innermost, name))
    }
    return { own: plan.own === undefined ? undefined : guarded(own, blocks.fallback, innermost, cluster), routes }
  }
}

/** The policies of these blocks: those that were there before, with new settings, and new ones. */
function policiesFrom(blocks: RouteResilience, old: Policies | undefined, around: GuardSurroundings, name: string): Policies {
  const { breakerKey } = blocks
  const policies: Policies = {}
  for (const policy of ORDER) {
    const block = blocks[policy]
    if (block === undefined) continue
    const options = whole(policy, block)
    const make = (called: string) => MAKE[policy](options, { clock: around.clock, random: around.random, name: called })
    if (policy === 'circuitBreaker') {
      const fresh = (called: string) => {
        const breaker: NonNullable<Policies['circuitBreaker']> = make(called)
        breaker.on('transition', event => around.transition(called, event))
        return breaker
      }
      const known = breakerKey === undefined ? old?.circuitBreaker : around.breakers.get(breakerKey)
      known?.update(options)
      policies.circuitBreaker = known ?? fresh(breakerKey ?? name)
      if (breakerKey !== undefined) around.breakers.set(breakerKey, policies.circuitBreaker)
      continue
    }
    const known = old?.[policy] as { update(options: object): void } | undefined
    known?.update(options)
    policies[policy] = (known ?? make(name)) as any
  }
  if (blocks.hedge !== undefined) {
    const settings = readHedgeOptions(blocks.hedge)
    old?.hedge?.update(settings)
    policies.hedge = old?.hedge ?? new Hedging(settings, around.clock, new Emitter<HedgeEvents>('hedge', HEDGE_EVENTS))
  }
  if (blocks.cache !== undefined) {
    const settings = readCacheOptions(blocks.cache)
    if (around.cache === undefined) old?.cache?.update(settings)
    policies.cache = around.cache?.(settings) ?? old?.cache ?? new ResponseCache(settings, around.clock)
  }
  return policies
}

function guarded(policies: Policies, fallback: Resilience['fallback'], innermost: Next, name: string): Guard {
  const chain = ORDER.map(policy => policies[policy]).filter(policy => policy !== undefined)
  const parts = chain.flatMap(policy => policy.parts)
  const kept: Kept = {
    next: chain.length === 0 ? undefined : link(parts, innermost),
    fallback: fallbackOf(fallback),
    hedge: policies.hedge,
    cache: policies.cache,
    breaker: policies.circuitBreaker,
    policies,
    snapshot: () => ({
      ...snapshotOf(policies),
      ...(policies.hedge !== undefined && { hedge: hedgeMetrics(policies.hedge) }),
      ...(policies.cache !== undefined && { cache: policies.cache.metrics }),
      ...(fallback !== undefined && { fallback }),
    }),
    observe: () => observe(policies, name),
  }
  return kept
}

/** Every option of a block, those not written as such: an option that an update leaves out goes back to its default. */
function whole(name: (typeof ORDER)[number], block: object): object {
  const given = block as Record<string, unknown>
  const all: Record<string, unknown> = {}
  for (const [option, { codeOnly }] of Object.entries(BLOCKS[name].fields)) if (!codeOnly && option !== 'scope') all[option] = given[option]
  return { ...all, ...HOOKS[name] }
}

function snapshotOf(policies: Policies): Record<string, unknown> {
  const all: Record<string, unknown> = {}
  for (const name of ORDER) {
    const policy = policies[name] as { metrics?: object; state?: string; limit?: number } | undefined
    if (policy === undefined) continue
    const { state, limit } = policy
    all[name] = { ...(state !== undefined && { state }), ...(limit !== undefined && { limit }), ...policy.metrics }
  }
  return all
}

/** What the policies would have said of a call that is made whatever they say: they count it as if it had asked. */
function observe(policies: Policies, cluster: string): Observed {
  const { circuitBreaker: breaker, rateLimiter: limiter, bulkhead: slots } = policies
  const permit = breaker?.tryAcquire()
  const refused = (refusal: unknown): Observed => ({
    refusal,
    ended() {
      permit?.release()
    },
  })
  if (breaker !== undefined && permit === undefined) return refused(reject(CircuitOpenError, `${cluster}: the circuit is ${breaker.state}`))
  if (limiter !== undefined && limiter.reserve() !== 0)
    return refused(reject(RateLimitedError, `${cluster}: too many calls in this period`))
  const slot = slots?.tryAcquire()
  if (slots !== undefined && slot === undefined) return refused(reject(BulkheadFullError, `${cluster}: all slots are taken`))
  return {
    refusal: undefined,
    ended(response, error) {
      slot?.release()
      if (response !== undefined) permit?.succeed(response)
      else permit?.fail(error)
    },
  }
}
