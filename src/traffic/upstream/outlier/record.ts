/** What the detector keeps of one host. */

/** Requests of the interval that runs. */
export interface Tally {
  total: number
  success: number
}

export interface HostRecord<K> {
  readonly host: K
  /** Failures in a row, each of its kind. */
  c5xx: number
  gateway: number
  local: number
  readonly external: Tally
  readonly localOrigin: Tally
  /** How many times the base time the next ejection lasts, less one. */
  multiplier: number
  ejected: boolean
  /** When it was ejected, and how much longer than planned it stays out, ms. */
  since: number
  jitter: number
  lastReturn: number | undefined
}

export function hostRecord<K>(host: K): HostRecord<K> {
  return {
    host,
    c5xx: 0,
    gateway: 0,
    local: 0,
    external: { total: 0, success: 0 },
    localOrigin: { total: 0, success: 0 },
    multiplier: 0,
    ejected: false,
    since: 0,
    jitter: 0,
    lastReturn: undefined,
  }
}

/** Forgets the requests of the current interval. */
export function clearTallies({ external, localOrigin }: HostRecord<unknown>): void {
  external.total = external.success = localOrigin.total = localOrigin.success = 0
}
