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
import { ADAPTIVE_CONCURRENCY_EVENTS } from '../adaptive-concurrency/layer.ts'
import { type Bulkhead, type BulkheadEvents, type BulkheadOptions, bulkhead } from '../bulkhead/index.ts'
import { BULKHEAD_EVENTS } from '../bulkhead/layer.ts'
import { type Cache, type CacheEvents, type CacheOptions, cache } from '../cache/index.ts'
import { CACHE_EVENTS } from '../cache/layer.ts'
import { type CircuitBreaker, type CircuitBreakerEvents, type CircuitBreakerOptions, circuitBreaker } from '../circuit-breaker/index.ts'
import { CIRCUIT_BREAKER_EVENTS } from '../circuit-breaker/layer.ts'
import type { Fallback, FallbackEvents } from '../fallback/index.ts'
import { FALLBACK_EVENTS } from '../fallback/layer.ts'
import { type FaultInjector, type FaultInjectorEvents, type FaultInjectorOptions, faultInjector } from '../fault-injector/index.ts'
import { FAULT_INJECTOR_EVENTS } from '../fault-injector/layer.ts'
import { type Hedge, type HedgeEvents, type HedgeOptions, hedge } from '../hedge/index.ts'
import { HEDGE_EVENTS } from '../hedge/layer.ts'
import type { LoadShedder, LoadShedderEvents } from '../load-shedding/index.ts'
import { LOAD_SHEDDER_EVENTS } from '../load-shedding/layer.ts'
import { type RateLimiter, type RateLimiterEvents, type RateLimiterOptions, rateLimiter } from '../rate-limiter/index.ts'
import { RATE_LIMITER_EVENTS } from '../rate-limiter/layer.ts'
import { type Retry, type RetryEvents, type RetryOptions, retry } from '../retry/index.ts'
import { RETRY_EVENTS } from '../retry/layer.ts'
import {
  TIME_LIMITER_EVENTS,
  type TimeLimiter,
  type TimeLimiterEvents,
  type TimeLimiterOptions,
  timeLimiter,
} from '../time-limiter/index.ts'

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

/** Which events the policies of a kind have. */
const EVENTS_OF: { readonly [K in Kind]: object } = {
  circuitBreaker: CIRCUIT_BREAKER_EVENTS,
  bulkhead: BULKHEAD_EVENTS,
  rateLimiter: RATE_LIMITER_EVENTS,
  retry: RETRY_EVENTS,
  timeLimiter: TIME_LIMITER_EVENTS,
  hedge: HEDGE_EVENTS,
  cache: CACHE_EVENTS,
  adaptiveConcurrency: ADAPTIVE_CONCURRENCY_EVENTS,
  faultInjector: FAULT_INJECTOR_EVENTS,
  fallback: FALLBACK_EVENTS,
  loadShedder: LOAD_SHEDDER_EVENTS,
}
export const hasEvent = (kind: Kind, type: string): boolean => Object.hasOwn(EVENTS_OF[kind], type)
/** Of all kinds, each once. */
export const everyEvent = (): string[] => [...new Set(Object.values(EVENTS_OF).flatMap(Object.keys))]

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
