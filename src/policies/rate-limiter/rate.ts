/** A rate, and what every algorithm that keeps one is to whoever asks it. */

export interface Permissions {
  /** ns until `n` permissions may be used; `Infinity`: never. Takes nothing. */
  waitFor(n: number, now: number): number
  /** Takes what `waitFor` promised. */
  take(n: number, now: number): void
  /** A reservation for the time `due` will not be used. */
  giveBack(n: number, due: number, now: number): void
  /** Permissions at that time; negative when reserved ahead. */
  available(now: number): number
  /** Takes what is there now, and says how many that were. What is reserved ahead stays reserved. */
  drain(now: number): number
  /** A new rate. What was taken stays taken. */
  change(rate: Rate, now: number): void
}

export interface Rate {
  /** Permissions per period. */
  readonly limit: number
  /** ns. */
  readonly period: number
  /** Permissions that a pause may save up (token bucket). */
  readonly burst: number
  /** ns from cold to full speed, and how much slower it is when cold; none: always warm. */
  readonly warmUp: { readonly duration: number; readonly coldFactor: number } | undefined
}
