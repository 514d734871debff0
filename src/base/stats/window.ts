/** What a window of calls knows: how many there were, failed, were slow. */

/** An outcome as two bits: 1 failed, 2 slow. */
export class Counts {
  calls = 0
  failed = 0
  slow = 0
  slowFailed = 0

  add(outcome: number, n: number): void {
    this.calls += n
    if (outcome & 1) this.failed += n
    if (outcome & 2) this.slow += n
    if (outcome === 3) this.slowFailed += n
  }

  subtract(other: Counts): void {
    this.calls -= other.calls
    this.failed -= other.failed
    this.slow -= other.slow
    this.slowFailed -= other.slowFailed
  }

  clear(): void {
    this.calls = this.failed = this.slow = this.slowFailed = 0
  }
}

export interface Window {
  record(failed: boolean, slow: boolean, now: number): void
  /** The sums at that time. */
  read(now: number): Counts
}
