/** What every algorithm is to whoever asks it: an estimate that follows the calls. */
import type { AdaptiveConcurrencySettings } from './options.ts'

/** An algorithm. */
export interface Limit {
  /** The estimate, with fractions. The limit is its whole part. */
  readonly estimate: number
  sample(start: number, rtt: number, inflight: number, dropped: boolean): void
  /** New settings; the estimate stays, as far as they allow it. */
  change(settings: AdaptiveConcurrencySettings): void
}
