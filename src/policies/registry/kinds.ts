/**
 * What a registry can make, and what it can keep: one line per kind of policy. The keys are those of a ResiliencePolicy document, so a
 * configuration reads the same there. A fallback's answer and a load shedder's load are code, so these two are made by hand and put in.
 */
import type { Clock } from '../../base/time/clock.ts'
import type { Random } from '../../base/time/random.ts'
import {
  type AdaptiveConcurrency,
  type AdaptiveConcurrencyEvents,
  type AdaptiveConcurrencyOptions,
  adaptiveConcurrency,
} from '../adaptive-concurrency/index.ts'
import { type Bulkhead, type BulkheadEvents, type BulkheadOptions, bulkhead } from '../bulkhead/index.ts'
import { type Cache, type CacheEvents, type CacheOptions, cache } from '../cache/index.ts'
import { type CircuitBreaker, type CircuitBreakerEvents, type CircuitBreakerOptions, circuitBreaker } from '../circuit-breaker/index.ts'
import type { Fallback, FallbackEvents } from '../fallback/index.ts'
import { type FaultInjector, type FaultInjectorEvents, type FaultInjectorOptions, faultInjector } from '../fault-injector/index.ts'
import { type Hedge, type HedgeEvents, type HedgeOptions, hedge } from '../hedge/index.ts'
import type { LoadShedder, LoadShedderEvents } from '../load-shedding/index.ts'
import { type RateLimiter, type RateLimiterEvents, type RateLimiterOptions, rateLimiter } from '../rate-limiter/index.ts'
import { type Retry, type RetryEvents, type RetryOptions, retry } from '../retry/index.ts'
import { type TimeLimiter, type TimeLimiterEvents, type TimeLimiterOptions, timeLimiter } from '../time-limiter/index.ts'

/** What a registry makes from options. */
interface Made {
  circuitBreaker: CircuitBreaker<any>
  bulkhead: Bulkhead
  rateLimiter: RateLimiter
  retry: Retry
  timeLimiter: TimeLimiter
  hedge: Hedge
  cache: Cache
  adaptiveConcurrency: AdaptiveConcurrency
  faultInjector: FaultInjector
}
/** All that it keeps. */
export interface Policies extends Made {
  fallback: Fallback<any, any>
  loadShedder: LoadShedder
}
export type Kind = keyof Policies
export type MadeKind = keyof Made

/** Options of each kind; a kind left out has its own defaults. */
export interface Configuration {
  circuitBreaker?: CircuitBreakerOptions<any> | undefined
  bulkhead?: BulkheadOptions | undefined
  rateLimiter?: RateLimiterOptions | undefined
  retry?: RetryOptions | undefined
  timeLimiter?: TimeLimiterOptions | undefined
  hedge?: HedgeOptions | undefined
  cache?: CacheOptions | undefined
  adaptiveConcurrency?: AdaptiveConcurrencyOptions | undefined
  faultInjector?: FaultInjectorOptions | undefined
}

type AllEvents =
  | CircuitBreakerEvents
  | BulkheadEvents
  | RateLimiterEvents
  | RetryEvents
  | TimeLimiterEvents
  | HedgeEvents
  | CacheEvents
  | AdaptiveConcurrencyEvents
  | FaultInjectorEvents
  | FallbackEvents
  | LoadShedderEvents
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

export const MAKERS: { readonly [K in MadeKind]: (options: any, around: any) => Policies[K] } = {
  circuitBreaker,
  bulkhead,
  rateLimiter,
  retry,
  timeLimiter,
  hedge,
  cache,
  adaptiveConcurrency,
  faultInjector,
}
export const KINDS = /* @__PURE__ */ Object.keys(MAKERS) as MadeKind[]

export function make(kind: MadeKind, options: object, around: Surroundings): Policies[MadeKind] & Kept {
  return MAKERS[kind](options, around) as Policies[MadeKind] & Kept
}
