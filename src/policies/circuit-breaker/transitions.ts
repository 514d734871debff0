/** Which state may follow which when told to by hand, as Resilience4j has it. One table for code, tests and docs. */

export const STATES = ['CLOSED', 'OPEN', 'HALF_OPEN', 'DISABLED', 'FORCED_OPEN', 'METRICS_ONLY'] as const
export type State = (typeof STATES)[number]

export const TRANSITIONS: Readonly<Record<State, readonly State[]>> = {
  CLOSED: ['CLOSED', 'OPEN', 'DISABLED', 'FORCED_OPEN', 'METRICS_ONLY'],
  OPEN: ['OPEN', 'CLOSED', 'HALF_OPEN', 'DISABLED', 'FORCED_OPEN', 'METRICS_ONLY'],
  HALF_OPEN: ['HALF_OPEN', 'CLOSED', 'OPEN', 'DISABLED', 'FORCED_OPEN', 'METRICS_ONLY'],
  DISABLED: ['DISABLED', 'CLOSED', 'OPEN', 'HALF_OPEN', 'FORCED_OPEN', 'METRICS_ONLY'],
  FORCED_OPEN: ['FORCED_OPEN', 'CLOSED', 'OPEN', 'HALF_OPEN', 'DISABLED', 'METRICS_ONLY'],
  METRICS_ONLY: ['METRICS_ONLY', 'CLOSED', 'DISABLED', 'FORCED_OPEN'],
}
