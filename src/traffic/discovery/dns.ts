/**
 * Keeps the addresses of a name fresh. A name that cannot be resolved keeps what it had; an answer's TTL is honoured within bounds, so
 * that neither a TTL of zero nor one of a week does harm.
 */
import type { Clock, Timer } from '../../base/time/clock.ts'
import type { Random } from '../../base/time/random.ts'
import type { ResolvedAddress, Resolver } from '../../core/resolver.ts'

export interface WatchOptions {
  readonly clock: Clock
  readonly random: Random
  /** ms between look-ups when the answer has no TTL. */
  readonly refresh: number
  /** Up to so many ms more, by chance, so that many clients do not ask at once. */
  readonly jitter: number
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
  const asking = new AbortController()
  const again = (ms: number) => {
    const wait = Math.min(LONGEST, Math.max(SHORTEST, ms)) + options.random() * options.jitter
    timer = options.clock.schedule(wait, look)
  }
  const done = (error?: unknown) => {
    if (!first) return
    first = false
    settled(error)
  }
  const answered = (addresses: readonly ResolvedAddress[]) => {
    if (stopped) return
    changed(addresses)
    done()
    const ttls = addresses.map(a => a.ttl).filter(ttl => ttl !== undefined)
    again(options.respectTtl && ttls.length > 0 ? Math.min(...ttls) : options.refresh)
  }
  const failed = (error: unknown) => {
    if (stopped) return
    done(error)
    again(options.refresh)
  }
  const look = () => {
    try {
      resolver.resolve(hostname, { signal: asking.signal }).then(answered, failed)
    } catch (error) {
      failed(error)
    }
  }
  look()
  return () => {
    stopped = true
    timer?.cancel()
    asking.abort()
  }
}
