/** A small breaker on a virtual clock, for the tests of peers' bugs. */
import { virtualClock } from '../../src/base/time/virtual-clock.ts'
import { type CircuitBreaker, type CircuitBreakerOptions, circuitBreaker } from '../../src/policies/circuit-breaker/index.ts'

export const small = {
  slidingWindowSize: 4,
  minimumNumberOfCalls: 2,
  permittedNumberOfCallsInHalfOpenState: 2,
  waitDurationInOpenState: 1000,
}

export function make(options: CircuitBreakerOptions<any> = {}) {
  const clock = virtualClock(1_000_000)
  return { clock, breaker: circuitBreaker<any>({ ...small, ...options }, { name: 'b', clock, random: () => 0.5 }) }
}

/** OPEN, and over the wait: the next call is a probe. */
export function halfOpen(options: CircuitBreakerOptions<any> = {}) {
  const made = make(options)
  made.breaker.open()
  made.clock.advance(1001)
  return made
}

/** How many permits it still gives. */
export function permits(breaker: CircuitBreaker<any>): number {
  let given = 0
  while (given < 50 && breaker.tryAcquire() !== undefined) given++
  return given
}

export const down = () => Promise.reject(new Error('down'))
export const never = () => new Promise<never>(() => {})
