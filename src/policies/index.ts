/** Policies for code: composable, without a mesh, and without a word of HTTP's types. */

export type { Clock, ScheduleOptions } from '../base/time/clock.ts'
export type { Duration } from '../base/time/duration.ts'
export type { Random } from '../base/time/random.ts'
export type { Timer } from '../base/time/timers.ts'
export type { CallOptions, CallView } from '../core/call.ts'
export * from '../core/errors.ts'
export type { ListenOptions } from '../core/events.ts'
export { pipeline } from '../core/pipeline.ts'
export { type AnyPolicy, bind, type Description, type Policy } from '../core/policy.ts'
export {
  type AdaptiveConcurrency,
  type AdaptiveConcurrencyMetrics,
  type AdaptiveConcurrencyOptions,
  type AdaptivePermit,
  adaptiveConcurrency,
} from './adaptive-concurrency/index.ts'
export type { AdaptiveConcurrencyEvents } from './adaptive-concurrency/layer.ts'
export type { AcquireOptions } from './bulkhead/index.ts'
export { type Bulkhead, type BulkheadMetrics, type BulkheadOptions, bulkhead, type Slot } from './bulkhead/index.ts'
export type { BulkheadEvents } from './bulkhead/layer.ts'
export { type Cache, type CachedCall, type CacheEvents, type CacheMetrics, type CacheOptions, cache } from './cache/index.ts'
export type { BreakerState, BreakerSurroundings, Permit } from './circuit-breaker/index.ts'
export {
  type BreakerMetrics,
  type CircuitBreaker,
  type CircuitBreakerOptions,
  circuitBreaker,
  type State,
} from './circuit-breaker/index.ts'
export type { CircuitBreakerEvents } from './circuit-breaker/layer.ts'
export type { Cause } from './circuit-breaker/transitions.ts'
export {
  type BatchAnswer,
  type Collapse,
  type CollapseEvents,
  type CollapseMetrics,
  type CollapseOptions,
  collapse,
} from './collapse/index.ts'
export type { CommandEvent, CommandEvents, CommandMetrics } from './command/index.ts'
export {
  BadRequestError,
  type Command,
  CommandError,
  type CommandEventType,
  type CommandOptions,
  type CommandProperties,
  command,
  type FailureType,
} from './command/index.ts'
export type { Health } from './command/kernel.ts'
export {
  type Answering,
  type Fallback,
  type FallbackEvents,
  type FallbackMetrics,
  type FallbackOptions,
  fallback,
  firstOf,
} from './fallback/index.ts'
export {
  exponentialLatency,
  type FaultInjector,
  type FaultInjectorEvents,
  type FaultInjectorMetrics,
  type FaultInjectorOptions,
  faultInjector,
  type LatencyDistribution,
  normalLatency,
  uniformLatency,
} from './fault-injector/index.ts'
export { type Hedge, type HedgeEvents, type HedgeMetrics, type HedgeOptions, hedge } from './hedge/index.ts'
export { type Keyed, type KeyedCall, type KeyedOptions, keyed } from './keyed/index.ts'
export {
  type Load,
  type LoadShedder,
  type LoadShedderMetrics,
  type LoadShedderOptions,
  loadShedder,
  PRIORITY,
} from './load-shedding/index.ts'
export type { LoadShedderEvents } from './load-shedding/layer.ts'
export { type RateLimiter, type RateLimiterMetrics, type RateLimiterOptions, rateLimiter } from './rate-limiter/index.ts'
export type { RateLimiterEvents } from './rate-limiter/layer.ts'
export type { RegistryEvents } from './registry/index.ts'
export { type Configuration, type Registry, type RegistryEntry, type RegistryOptions, registry } from './registry/index.ts'
export { type RetryBudget, type RetryBudgetMetrics, type RetryBudgetOptions, retryBudget } from './retry/budget.ts'
export { MaxRetriesExceededError, type Retry, type RetryEvents, type RetryMetrics, type RetryOptions, retry } from './retry/index.ts'
export { IntervalFunction } from './retry/intervals.ts'
export {
  type TimeLimiter,
  type TimeLimiterEvents,
  type TimeLimiterMetrics,
  type TimeLimiterOptions,
  timeLimiter,
} from './time-limiter/index.ts'
