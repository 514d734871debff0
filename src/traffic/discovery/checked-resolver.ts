/** A resolver of the user's, held to what it promises: an answer is addresses or an error that says what was wrong with it. */
import { reportOnce } from '../../core/events.ts'
import type { ResolvedAddress, Resolver } from '../../core/resolver.ts'
import { show } from '../../core/schema/fault.ts'

const IP = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[\da-f]*:[\da-f:.]*(?:%.+)?)$/i
const EXPECTED = 'expected a promise of a list such as [{ address: "10.0.0.1", ttl: 5000 }]'

/**
 * A failure is told to the caller, as a rejection. One that is not DNS's own (those have a `code`), and an answer of the wrong shape, are
 * reported as well, once each: nothing else would show why a service has no endpoint. What is right in an answer counts.
 */
export function checkedResolver(resolver: Resolver): Resolver {
  const reported = reportOnce()
  const report = (hostname: string, { message }: Error, cause: unknown) =>
    reported(new Error(`cannot resolve ${hostname}: ${message}`, { cause }))
  return {
    async resolve(hostname, options) {
      try {
        const answer: unknown = await resolver.resolve(hostname, options)
        const wrong = faultOf(answer)
        const right = Array.isArray(answer) ? answer.filter(entry => entryFault(entry) === undefined) : []
        if (wrong === undefined) return right
        const error = new TypeError(`the resolver answered ${wrong} for ${hostname}; ${EXPECTED}`)
        if (right.length === 0) throw error
        report(hostname, error, undefined)
        return right
      } catch (error) {
        const why = error instanceof Error ? error : new Error(`the resolver rejected with ${show(error)}`)
        if (typeof (why as { code?: unknown }).code !== 'string' && options?.signal?.aborted !== true) report(hostname, why, error)
        throw why
      }
    },
  }
}

/** What is wrong with an answer, `undefined` for nothing. */
function faultOf(answer: unknown): string | undefined {
  if (!Array.isArray(answer)) return show(answer)
  for (const entry of answer) {
    const fault = entryFault(entry)
    if (fault !== undefined) return fault
  }
  return undefined
}

function entryFault(entry: unknown): string | undefined {
  const { address, ttl } = (typeof entry === 'object' && entry !== null ? entry : {}) as Partial<Record<keyof ResolvedAddress, unknown>>
  if (typeof address !== 'string') return `a list with ${show(entry)}`
  if (!IP.test(address)) return `${show(address)}, which is not an IP address,`
  if (ttl !== undefined && !(typeof ttl === 'number' && ttl >= 0)) return `a ttl of ${show(ttl)}, which is not a number of milliseconds,`
  return undefined
}
