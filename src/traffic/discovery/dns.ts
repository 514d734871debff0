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
/** ms after which a look-up without an answer counts as failed: as long as resolvers of systems try by default. */
const PATIENCE = 10_000

/**
 * Resolves at once and again when the answer has aged. `changed` gets each new set; `settled` is called once after the first answer or
 * failure. An answer that comes after its look-up was given up is taken all the same, unless a later look-up had one. Returns what stops it.
 */
export function watchName(
  resolver: Resolver,
  hostname: string,
  options: WatchOptions,
  changed: (addresses: readonly ResolvedAddress[]) => void,
  settled: (error?: unknown) => void,
): () => void {
  const { clock, random, refresh, jitter, respectTtl } = options
  let timer: Timer | undefined
  let stopped = false
  let first = true
  let asking: AbortController | undefined
  let latest = 0
  let answered = 0
  const again = (ms: number) => {
    timer?.cancel()
    timer = clock.schedule(Math.min(LONGEST, Math.max(SHORTEST, ms)) + random() * jitter, look)
  }
  const done = (error?: unknown) => {
    if (!first) return
    first = false
    settled(error)
  }
  const take = (nth: number, addresses: readonly ResolvedAddress[]) => {
    if (stopped || nth < answered) return
    changed(addresses)
    answered = nth
    done()
    const ttls = addresses.map(a => a.ttl).filter(ttl => ttl !== undefined)
    again(respectTtl && ttls.length > 0 ? Math.min(...ttls) : refresh)
  }
  const failed = (nth: number, error: unknown) => {
    // Of a look-up that was given up, the failure is counted already.
    if (stopped || nth !== latest || nth === answered) return
    done(error)
    again(refresh)
  }
  const look = () => {
    const nth = ++latest
    const own = new AbortController()
    asking = own
    timer = clock.schedule(PATIENCE, () => {
      failed(nth, new Error(`no answer for ${hostname} within ${PATIENCE} ms`))
      latest++
      own.abort()
    })
    Promise.resolve()
      .then(() => resolver.resolve(hostname, { signal: own.signal }))
      .then(addresses => take(nth, addresses))
      .catch(error => failed(nth, error))
  }
  look()
  return () => {
    stopped = true
    timer?.cancel()
    asking?.abort()
  }
}
