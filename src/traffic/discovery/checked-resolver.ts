/** A resolver of the user's, held to what it promises: an answer is addresses or an error that says what was wrong with it. */
import { reportOnce } from '../../core/events.ts'
import type { ResolvedAddress, Resolver } from '../../core/resolver.ts'
import { show } from '../../core/schema/fault.ts'

const IP = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[\da-f]*:[\da-f:.]*(?:%.+)?)$/i
const EXPECTED = 'expected a promise of a list such as [{ address: "10.0.0.1", ttl: 5000 }]'

/**
 * A failure is told to the caller, as a rejection. One that is not DNS's own (those have a `code`), and an answer of the wrong shape, are
 * reported as well, once each: nothing else would show why a service has no endpoint.
 */
export function checkedResolver(resolver: Resolver): Resolver {
  const reported = reportOnce()
  return {
    async resolve(hostname, options) {
      try {
        return checked(await resolver.resolve(hostname, options), hostname)
      } catch (error) {
        const why = error instanceof Error ? error : new Error(`the resolver rejected with ${show(error)}`)
        if (typeof (why as { code?: unknown }).code !== 'string' && options?.signal?.aborted !== true)
          reported(new Error(`cannot resolve ${hostname}: ${why.message}`, { cause: error }))
        throw why
      }
    },
  }
}

function checked(answer: unknown, hostname: string): readonly ResolvedAddress[] {
  const wrong = (what: string) => new TypeError(`the resolver answered ${what} for ${hostname}; ${EXPECTED}`)
  if (!Array.isArray(answer)) throw wrong(show(answer))
  for (const entry of answer as readonly unknown[]) {
    const { address, ttl } = (typeof entry === 'object' && entry !== null ? entry : {}) as { address?: unknown; ttl?: unknown }
    if (typeof address !== 'string') throw wrong(`a list with ${show(entry)}`)
    if (!IP.test(address)) throw wrong(`${show(address)}, which is not an IP address,`)
    if (ttl !== undefined && !(typeof ttl === 'number' && ttl >= 0))
      throw wrong(`a ttl of ${show(ttl)}, which is not a number of milliseconds,`)
  }
  return answer
}
