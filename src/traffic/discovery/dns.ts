/**
 * Keeps the addresses of a name fresh. A name that cannot be resolved keeps what it had; an answer's TTL is honoured within bounds, so
 * that neither a TTL of zero nor one of a week does harm.
 */
import type { Clock, Timer } from '../../base/time/clock.ts'
import type { ResolvedAddress, Resolver } from '../../core/resolver.ts'

export interface WatchOptions {
  readonly clock: Clock
  /** ms between look-ups when the answer has no TTL. */
  readonly refresh: number
  /** Whether an answer's TTL sets the time of the next look-up. */
  readonly respectTtl: boolean
}

/** The shortest and longest time an answer is kept, ms. */
const SHORTEST = 1_000
const LONGEST = 3_600_000

/** Resolves at once and again when the answer has aged. `changed` gets each new set; `settled` is called once after the first answer or failure. Returns what stops it. */
export function watchName(
  resolver: Resolver,
  hostname: string,
  options: WatchOptions,
  changed: (addresses: readonly ResolvedAddress[]) => void,
  settled: (error?: unknown) => void,
): () => void {
  let timer: Timer | undefined
  let stopped = false
  let first = true
  const again = (ms: number) => {
    if (!stopped) timer = options.clock.schedule(Math.min(LONGEST, Math.max(SHORTEST, ms)), look)
  }
  const done = (error?: unknown) => {
    if (!first) return
    first = false
    settled(error)
  }
  const look = () => {
    resolver.resolve(hostname).then(
      addresses => {
        if (stopped) return
        changed(addresses)
        done()
        const ttls = addresses.map(a => a.ttl).filter(ttl => ttl !== undefined)
        again(options.respectTtl && ttls.length > 0 ? Math.min(...ttls) : options.refresh)
      },
      error => {
        if (stopped) return
        done(error)
        again(options.refresh)
      },
    )
  }
  look()
  return () => {
    stopped = true
    timer?.cancel()
  }
}
