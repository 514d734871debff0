/** Where our breaker differs from the recorded Resilience4j on purpose. Late results need no entry: traces are cut at the first one, by A1. */

export interface Difference {
  /** Number of the peer's bug, as in test/issues. */
  readonly bug: string
  /** Recorded cases that show it, or a word for a whole group. */
  readonly cases: readonly string[]
  readonly peer: string
  readonly ours: string
}

export const DIFFERENCES: readonly Difference[] = [
  {
    bug: 'A1',
    cases: ['breaker-late', 'late'],
    peer: 'a result that comes after the state changed is a probe, or counts in a window it does not belong to',
    ours: 'it counts for nobody',
  },
  {
    bug: 'A3',
    cases: ['decorator Error'],
    peer: 'a java.lang.Error is neither counted nor gives its permit back',
    ours: 'whatever is thrown is counted',
  },
  {
    bug: 'B7',
    cases: [
      'reset-leaves-open-timer-alive-next-open-is-shortened',
      'reset-leaves-open-timer-alive-fires-in-closed',
      'reset-leaves-half-open-timer-alive-to-OPEN',
      'reset-leaves-half-open-timer-alive-to-CLOSED',
    ],
    peer: '`reset()` leaves the timer of the state before alive',
    ours: 'a timer belongs to its state',
  },
  {
    bug: 'C10',
    cases: ['transition-on-result-without-wait-throws-and-wedges'],
    peer: 'opening on a result without a wait throws and wedges the breaker',
    ours: 'it opens for the configured wait',
  },
  {
    bug: 'C11',
    cases: ['zeroWindow'],
    peer: 'a late result after DISABLED or FORCED_OPEN became OPEN divides by zero',
    ours: 'it counts for nobody',
  },
  {
    bug: 'D13',
    cases: ['clock-steps-back-1s-then-on'],
    peer: 'a wall clock that steps back pushes the window into the future',
    ours: 'the clock is monotonic; a time that steps back stays in the newest slice',
  },
]
