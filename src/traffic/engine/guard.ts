/** The policies in front of a cluster, linked round its tries. The mesh makes them from ResiliencePolicy documents. */
import type { Next } from '../../core/next.ts'
import type { Trust } from '../../core/trust.ts'
import type { Hedging } from '../../policies/hedge/layer.ts'
import type { ResponseCache } from './response-cache.ts'

/** What is answered when the call fails: this, or what another cluster says. */
export type Fallback =
  | { readonly status: number; readonly body: string; readonly bytes: Uint8Array | undefined; readonly cluster?: undefined }
  | { readonly cluster: string; readonly trust?: Trust | undefined }

/** As a ResiliencePolicy says it. */
export interface WrittenFallback {
  readonly directResponse?: { readonly status?: number; readonly body?: { readonly string?: string; readonly bytes?: string } }
  /** The cluster that is asked instead. */
  readonly cluster?: string
  /** What bounds the endpoints of that cluster. */
  readonly trust?: Trust
}

export function fallbackOf(written: WrittenFallback | undefined): Fallback | undefined {
  if (written === undefined) return undefined
  const { cluster, trust, directResponse: direct } = written
  if (cluster !== undefined) return { cluster, trust }
  const bytes = direct?.body?.bytes
  return {
    status: direct?.status ?? 200,
    body: direct?.body?.string ?? '',
    bytes: bytes === undefined ? undefined : Uint8Array.from(atob(bytes.replaceAll('-', '+').replaceAll('_', '/')), c => c.charCodeAt(0)),
  }
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
  /** The whole chain; absent when only a fallback, cache or hedge is set. */
  readonly next: Next | undefined
  readonly fallback: Fallback | undefined
  readonly hedge: Hedging | undefined
  readonly cache: ResponseCache | undefined
  readonly breaker: GuardBreaker | undefined
  snapshot(): Record<string, unknown>
  /** Counts a call that is not made under the guard. */
  observe(): Observed
}

/** What stands in front of a cluster, and what routes have in its place, by the key that they name. */
export interface Guards {
  readonly own: Guard | undefined
  readonly routes: ReadonlyMap<string, Guard>
}

/** Makes the guards of a cluster from those it had. */
export type GuardLinker = (before: Guards | undefined, innermost: Next, cluster: string) => Guards | undefined
