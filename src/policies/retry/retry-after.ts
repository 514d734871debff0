/**
 * How long the callee asks to be left alone: an error's own `retryAfter` (ms), or the headers of a response, its own or that of an error.
 * Retry-After counts seconds or names a date; RateLimit-Reset and the `t` of RateLimit count seconds; X-RateLimit-Reset counts seconds or, as
 * a large number, names a second since the epoch.
 */
import { headerOf, type ResponseLike, responseOf } from './http-outcome.ts'

/** Larger numbers are times since the epoch, not spans. */
const EPOCH = 1e9

/** ms to wait by the callee's own word, 0 when its time has passed; `undefined` when it says nothing. `wall`: ms since the epoch. */
export function askedWait(outcome: unknown, wall: number): number | undefined {
  if (typeof outcome !== 'object' || outcome === null) return undefined
  const own = (outcome as { retryAfter?: unknown }).retryAfter
  if (typeof own === 'number' && own >= 0) return own
  const response = responseOf(outcome)
  if (response === undefined) return undefined
  return (
    retryAfterOf(response, wall) ??
    seconds(/(?:^|[;,\s])t=(\d+)/.exec(headerOf(response, 'ratelimit') ?? '')?.[1], wall) ??
    seconds(headerOf(response, 'ratelimit-reset'), wall) ??
    seconds(headerOf(response, 'x-ratelimit-reset'), wall)
  )
}

/** ms until a response may be asked for again, by its Retry-After alone. */
export const retryAfterOf = (response: ResponseLike, wall: number): number | undefined => seconds(headerOf(response, 'retry-after'), wall)

function seconds(text: string | undefined, wall: number): number | undefined {
  if (text === undefined || text === '') return undefined
  const value = Number(text)
  if (Number.isFinite(value)) return value < 0 ? undefined : value >= EPOCH ? Math.max(0, value * 1000 - wall) : value * 1000
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - wall)
}
