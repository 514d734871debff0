/** Retries that do not happen, happen too often, or repeat what must not be repeated; timeouts that come too early. */
import { parseDuration } from '../../../base/time/duration.ts'
import { eachRoute, type LintRule } from './rule.ts'

const ms = (text: unknown) => (typeof text === 'string' ? parseDuration(text) : undefined)
const tokens = (retries: any): string[] =>
  String(retries.retryOn ?? '')
    .split(',')
    .filter(Boolean)

/** Conditions that retry a request which may have been carried out. Without a status beside it `retriable-status-codes` means none. */
const AFTER_SENDING = /^(?:5xx|gateway-error|reset|retriable-4xx|deadline-exceeded|internal|5\d\d)$/
const WRITES = /^(?:POST|PATCH)$/
const SAFE = /^(?:GET|HEAD|OPTIONS|PUT|DELETE|TRACE)$/

/** Whether a route takes requests that change something: it names their methods, or none. */
export function mayWrite(http: any): boolean {
  const matches: any[] = http.match ?? []
  if (matches.length === 0) return true
  return matches.some(({ method, headers }) => {
    const said = method ?? headers?.[':method']
    if (said?.exact !== undefined) return WRITES.test(said.exact)
    if (said?.regex !== undefined)
      return !String(said.regex)
        .replace(/[()]/g, '')
        .split('|')
        .every(part => SAFE.test(part))
    return said?.prefix === undefined || !SAFE.test(said.prefix)
  })
}

export const retries: readonly LintRule[] = [
  eachRoute('per-try-timeout-too-long', (http, path, report) => {
    const [all, each] = [ms(http.timeout), ms(http.retries?.perTryTimeout)]
    if (all !== undefined && each !== undefined && each >= all)
      report(
        `${path}.retries.perTryTimeout`,
        `a try may take ${http.retries.perTryTimeout}, the whole call only ${http.timeout}: no try is ever cut`,
        'make it shorter than timeout',
      )
  }),
  eachRoute('timeout-too-short-for-retries', (http, path, report) => {
    const { attempts = 0, perTryTimeout } = http.retries ?? {}
    const [all, each] = [ms(http.timeout), ms(perTryTimeout)]
    if (all !== undefined && each !== undefined && attempts > 0 && each < all && each * (attempts + 1) > all)
      report(
        `${path}.timeout`,
        `${attempts + 1} tries of ${perTryTimeout} do not fit into ${http.timeout}: the last ones are cut off or never begin`,
        `use timeout: ${(each * (attempts + 1)) / 1000}s or more, or fewer attempts`,
      )
  }),
  eachRoute('per-try-timeout-not-retried', (http, path, report) => {
    const { attempts = 0, perTryTimeout } = http.retries ?? {}
    if (perTryTimeout === undefined || attempts <= 0) return
    if (!tokens(http.retries).some(token => ['5xx', 'gateway-error', 'reset'].includes(token.trim())))
      report(
        `${path}.retries.perTryTimeout`,
        'a try that takes too long is not among what retryOn retries: it ends the call',
        'add reset, gateway-error or 5xx to retryOn',
      )
  }),
  eachRoute('retry-writes', (http, path, report) => {
    if (!((http.retries?.attempts ?? 0) > 0) || !mayWrite(http)) return
    const risky = tokens(http.retries).find(token => AFTER_SENDING.test(token.trim()))
    if (risky !== undefined)
      report(
        `${path}.retries.retryOn`,
        `${risky} also retries requests that may have been carried out, and this route takes POST and PATCH`,
        'match the methods that may be repeated, or retry connect-failure,refused-stream only',
      )
  }),
  eachRoute('retry-amplification', (http, path, report, { document, view }) => {
    const attempts: number = http.retries?.attempts ?? 0
    if (attempts < 4) return
    const unbounded = (http.route ?? []).some(({ destination }: any) => view.policyFor(destination, document).retryBudget === undefined)
    if (unbounded)
      report(
        `${path}.retries.attempts`,
        `when everything fails, ${attempts} retries make ${attempts + 1} times the load, and each hop multiplies it`,
        'use fewer attempts, or retryBudget: {} in the DestinationRule',
      )
  }),
  eachRoute('retries-off', (http, path, report) => {
    const policy = http.retries
    if (policy === undefined || (policy.attempts ?? 0) !== 0) return
    const others = Object.keys(policy).filter(field => field !== 'attempts')
    if (policy.attempts === undefined || others.length > 0)
      report(
        `${path}.retries`,
        'without attempts there are no retries, not even the default ones',
        'add attempts: 2, or write attempts: 0 alone',
      )
  }),
]
