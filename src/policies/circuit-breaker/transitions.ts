/** Which state may follow which, and why: Resilience4j's table. One piece of data for the code, the model test and the figure in the docs. */
import { BREAKER_STATES } from '../../core/schema/policies/circuit-breaker.ts'

export const STATES = BREAKER_STATES
export type State = (typeof STATES)[number]

/** Why a state is left. `manual` is told by a method, `reset` by `reset()`; the others come by themselves. */
export type Cause =
  | 'manual'
  | 'reset'
  | 'threshold reached'
  | 'asked by a result'
  | 'wait over'
  | 'probes well'
  | 'probes failed'
  | 'probing too long'

export const TRANSITIONS: Readonly<Record<State, Readonly<Partial<Record<State, readonly Cause[]>>>>> = {
  CLOSED: {
    CLOSED: ['manual', 'reset'],
    OPEN: ['manual', 'threshold reached', 'asked by a result'],
    DISABLED: ['manual'],
    FORCED_OPEN: ['manual'],
    METRICS_ONLY: ['manual'],
  },
  OPEN: {
    CLOSED: ['manual', 'reset'],
    OPEN: ['manual'],
    HALF_OPEN: ['manual', 'wait over'],
    DISABLED: ['manual'],
    FORCED_OPEN: ['manual'],
    METRICS_ONLY: ['manual'],
  },
  HALF_OPEN: {
    CLOSED: ['manual', 'reset', 'probes well', 'probing too long'],
    OPEN: ['manual', 'probes failed', 'probing too long'],
    HALF_OPEN: ['manual'],
    DISABLED: ['manual'],
    FORCED_OPEN: ['manual'],
    METRICS_ONLY: ['manual'],
  },
  DISABLED: {
    CLOSED: ['manual', 'reset'],
    OPEN: ['manual'],
    HALF_OPEN: ['manual'],
    DISABLED: ['manual'],
    FORCED_OPEN: ['manual'],
    METRICS_ONLY: ['manual'],
  },
  FORCED_OPEN: {
    CLOSED: ['manual', 'reset'],
    OPEN: ['manual'],
    HALF_OPEN: ['manual'],
    DISABLED: ['manual'],
    FORCED_OPEN: ['manual'],
    METRICS_ONLY: ['manual'],
  },
  METRICS_ONLY: {
    CLOSED: ['manual', 'reset'],
    DISABLED: ['manual'],
    FORCED_OPEN: ['manual'],
    METRICS_ONLY: ['manual'],
  },
}

/** Whether that may happen. */
export function allowed(from: State, to: State, cause: Cause): boolean {
  return TRANSITIONS[from][to]?.includes(cause) === true
}
