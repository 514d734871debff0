/** The system's resolver on Node: `/etc/hosts` and DNS as every other program on the machine sees them. */
import type dns from 'node:dns'
import { systemClock } from '../../base/time/clock.ts'
import type { ResolvedAddress, Resolver } from '../../core/resolver.ts'

/** ms that an answer is held back for its TTL, and after which DNS is not asked on for it. */
const PATIENCE = 50
const GIVE_UP = 500

type Dns = Pick<typeof dns, 'promises'>

/**
 * Resolves through `dns.lookup`, which alone knows all of what the system knows (hosts file, search domains) but no TTL. DNS is asked
 * beside it, and where its answer names the same addresses their shortest TTL is theirs. Rejects where there is no `node:dns`.
 */
export function systemResolver(dns: Dns | undefined = globalThis.process?.getBuiltinModule?.('node:dns')): Resolver {
  return {
    async resolve(hostname): Promise<readonly ResolvedAddress[]> {
      if (dns === undefined) throw new Error(`cannot resolve ${hostname}: this runtime has no DNS`)
      const ttls = ttlsOf(dns, hostname)
      const found = await dns.promises.lookup(hostname, { all: true, verbatim: true })
      const known = await soon(ttls)
      return found.map(({ address }) => {
        const ttl = known?.get(address)
        return ttl === undefined ? { address } : { address, ttl }
      })
    },
  }
}

/** ms by address. */
async function ttlsOf({ promises }: Dns, hostname: string): Promise<ReadonlyMap<string, number>> {
  const resolver = new promises.Resolver({ timeout: GIVE_UP, tries: 1 })
  const none = () => []
  const answers = await Promise.all([
    resolver.resolve4(hostname, { ttl: true }).catch(none),
    resolver.resolve6(hostname, { ttl: true }).catch(none),
  ])
  return new Map(answers.flat().map(({ address, ttl }) => [address, ttl * 1000]))
}

/** What a promise comes to, if it does so before long. */
function soon<T>(promise: Promise<T>): Promise<T | undefined> {
  return new Promise(resolve => {
    const timer = systemClock.schedule(PATIENCE, () => resolve(undefined), { keepAlive: true })
    const settle = (value: T | undefined) => {
      timer.cancel()
      resolve(value)
    }
    promise.then(settle, () => settle(undefined))
  })
}
