/** The policies in front of a cluster, linked round its tries. The mesh makes them from ResiliencePolicy documents. */
import type { Next } from '../../core/next.ts'

export interface Fallback {
  readonly status: number
  readonly body: string
}

/** A breaker as operations see it. */
export interface GuardBreaker {
  readonly state: string
  readonly metrics: object
  forceOpen(): void
  close(): void
  disable(): void
  open(options?: { for?: number | string }): void
  reset(): void
}

/** What the policies would have said of a call that is made whatever they say. */
export interface Observed {
  /** Why it would have been refused. */
  readonly refusal: unknown
  /** The call has ended: with an answer, or an error. */
  ended(response: { readonly status: number } | undefined, error: unknown): void
}

export interface Guard {
  /** The whole chain; absent when only a fallback is set. */
  readonly next: Next | undefined
  readonly fallback: Fallback | undefined
  readonly breaker: GuardBreaker | undefined
  snapshot(): Record<string, unknown>
  /** Counts a call that is not made under the guard. */
  observe(): Observed
}

/** Makes the guard of a cluster from the one it had. */
export type GuardLinker = (before: Guard | undefined, innermost: Next, cluster: string) => Guard | undefined
