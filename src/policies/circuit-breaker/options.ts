/** Options of the circuit breaker, as code writes them. Described in core/schema/policies, where documents find them too. */
import type { Duration } from '../../base/time/duration.ts'
import { clock, name, random } from '../../core/schema/around.ts'
import { anything, type InputOf, readOptions } from '../../core/schema/index.ts'
import { type CircuitBreakerSettings, circuitBreakerFaults, circuitBreakerFields } from '../../core/schema/policies/circuit-breaker.ts'

export { type CircuitBreakerSettings, circuitBreakerFields, slices } from '../../core/schema/policies/circuit-breaker.ts'

export const circuitBreakerAroundFields = {
  name,
  clock,
  random,
  restore: anything<any>(
    'A state saved by `toJSON`; the time since then is taken off what remained. Default: CLOSED, with nothing counted.',
  ),
} as const

/** Options of `circuitBreaker`. A wrong one throws an `OptionsError` that names every fault. `R`: the results that its hooks accept. */
export type CircuitBreakerOptions<R = unknown> = Omit<
  InputOf<typeof circuitBreakerFields>,
  'recordResult' | 'transitionOnResult' | 'waitDurationInOpenState'
> & {
  recordResult?: ((result: R) => boolean) | undefined
  transitionOnResult?: ((result: R | undefined, error: unknown) => Duration | boolean | undefined) | undefined
  waitDurationInOpenState?:
    | Duration
    | { initial: Duration; multiplier?: number; max?: Duration; randomizationFactor?: number }
    | ((attempt: number) => Duration)
    | undefined
}

/** Reads what a user wrote. Throws an `OptionsError` that names every fault. */
export function readBreakerOptions(options: CircuitBreakerOptions<any>): CircuitBreakerSettings {
  return readOptions(circuitBreakerFields, options, 'circuitBreaker', circuitBreakerFaults)
}
