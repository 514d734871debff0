/** What a window of calls knows: how many there were, failed, were slow. The rates belong to whoever asks, with his own precision. */

/** An outcome as two bits. */
export const FAILED = 1
export const SLOW = 2

export class Counts {
  calls = 0
  failed = 0
  slow = 0
  slowFailed = 0

  /** Adds `n` calls of that outcome; takes them off when negative. */
  add(outcome: number, n: number): void {
    this.calls += n
    if (outcome === 0) return
    if (outcome & FAILED) this.failed += n
    if (outcome & SLOW) this.slow += n
    if (outcome === (FAILED | SLOW)) this.slowFailed += n
  }
}

export interface Window {
  record(outcome: number, now: number): void
  /** The sums at that time; valid until the next call. */
  read(now: number): Counts
  /** What it holds, oldest first, so that another window can take it over. `at`: a time at which those calls count. */
  visit(now: number, visitor: (outcome: number, calls: number, at: number) => void): void
}
