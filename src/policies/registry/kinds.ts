/** What a registry can make: one line per kind of policy. The keys are those of a ResiliencePolicy document, so a configuration reads the same there. */
import type { Clock } from '../../base/time/clock.ts'
import type { Random } from '../../base/time/random.ts'
import { type Bulkhead, type BulkheadEvents, type BulkheadOptions, bulkhead } from '../bulkhead/index.ts'
import { type CircuitBreaker, type CircuitBreakerEvents, type CircuitBreakerOptions, circuitBreaker } from '../circuit-breaker/index.ts'
import { type RateLimiter, type RateLimiterEvents, type RateLimiterOptions, rateLimiter } from '../rate-limiter/index.ts'
import { type Retry, type RetryEvents, type RetryOptions, retry } from '../retry/index.ts'
import { type TimeLimiter, type TimeLimiterEvents, type TimeLimiterOptions, timeLimiter } from '../time-limiter/index.ts'

export interface Policies {
  circuitBreaker: CircuitBreaker<any>
  bulkhead: Bulkhead
  rateLimiter: RateLimiter
  retry: Retry
  timeLimiter: TimeLimiter
}
export type Kind = keyof Policies

/** Options of each kind; a kind left out has its own defaults. */
export interface Configuration {
  circuitBreaker?: CircuitBreakerOptions<any> | undefined
  bulkhead?: BulkheadOptions | undefined
  rateLimiter?: RateLimiterOptions | undefined
  retry?: RetryOptions | undefined
  timeLimiter?: TimeLimiterOptions | undefined
}

type AllEvents = CircuitBreakerEvents | BulkheadEvents | RateLimiterEvents | RetryEvents | TimeLimiterEvents
type EventNames<E> = E extends unknown ? keyof E : never
type EventOf<E, K> = E extends unknown ? (K extends keyof E ? E[K] : never) : never

/** Every event of every kind of policy, by name. */
export type PolicyEvents = { [K in EventNames<AllEvents>]: EventOf<AllEvents, K> }

/** What all policies here have, whatever their kind. */
export interface Kept {
  on(type: string, listener: (event: any) => void): () => void
  update(options: object): void
}

interface Surroundings {
  name: string
  clock?: Clock | undefined
  random?: Random | undefined
}

export const MAKERS: { readonly [K in Kind]: (options: any, around: any) => Policies[K] } = {
  circuitBreaker,
  bulkhead,
  rateLimiter,
  retry,
  timeLimiter,
}
export const KINDS = Object.keys(MAKERS) as Kind[]

export function make(kind: Kind, options: object, around: Surroundings): Policies[Kind] & Kept {
  return MAKERS[kind](options, around) as Policies[Kind] & Kept
}
