/**
 * Which of several addresses of one endpoint serves, as RFC 8305 and Envoy's multi_connection_base_impl have it: an address that is slow
 * goes on while the next one is tried beside it, one that fails makes room for the next at once, and the first that connects wins.
 */
import type { Clock, ScheduleOptions, Timer } from '../../base/time/clock.ts'

/** ms that the newest attempt has for itself. */
export const NEXT_AFTER = 300

/** What is done at the addresses; `attempt` is what `begin` gave. */
export interface Racing<Attempt> {
  /** Begins to connect to the address with this number, and tells one of the two, later. Of an attempt that was dropped nothing is heard. */
  begin(address: number, connected: () => void, failed: (error: Error) => void): Attempt
  drop(attempt: Attempt): void
  won(attempt: Attempt): void
  /** All have failed; this is how the last one did. */
  lost(error: Error): void
}

/** Begins at once. Returns what gives it up. */
export function race<Attempt>(addresses: number, by: Racing<Attempt>, clock: Clock, options?: ScheduleOptions): () => void {
  const running = new Set<Attempt>()
  let next = 0
  let timer: Timer | undefined
  const begin = () => {
    const attempt = by.begin(
      next++,
      () => {
        if (!running.delete(attempt)) return
        stop()
        by.won(attempt)
      },
      error => {
        if (!running.delete(attempt)) return
        timer?.cancel()
        if (next < addresses) begin()
        else if (running.size === 0) by.lost(error)
      },
    )
    running.add(attempt)
    timer = next < addresses ? clock.schedule(NEXT_AFTER, begin, options) : undefined
  }
  const stop = () => {
    timer?.cancel()
    for (const attempt of running) by.drop(attempt)
    running.clear()
  }
  begin()
  return stop
}

/** The same addresses, the families in turn: the first one's first, so that the second attempt takes the other road. */
export function interleaved(addresses: readonly string[]): readonly string[] {
  const first = addresses.filter(a => isV6(a) === isV6(addresses[0]!))
  if (first.length === addresses.length) return addresses
  const other = addresses.filter(a => isV6(a) !== isV6(addresses[0]!))
  const turns: string[] = []
  for (let i = 0; i < Math.max(first.length, other.length); i++) turns.push(...first.slice(i, i + 1), ...other.slice(i, i + 1))
  return turns
}

const isV6 = (address: string) => address.startsWith('[')
