/** What HTTP says of keeping answers: which requests may be answered from a cache, and which answers are for one reader only (RFC 9111, in part). */
import { getHeader, hasHeader } from '../../base/formats/headers.ts'
import type { Lifetimes } from '../../policies/cache/kernel.ts'

interface Asking {
  readonly method: string
  header(name: string): string | undefined
}

/** Who asks matters, or a part is asked for: such a request is nobody else's. */
const OWN = ['authorization', 'cookie', 'range', 'if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'if-range']

/** Whether the request may be answered from a cache at all. */
export function maySend(request: Asking): boolean {
  if (request.method !== 'GET' && request.method !== 'HEAD') return false
  return OWN.every(name => request.header(name) === undefined) && !says(request.header('cache-control'), ['no-store'])
}

/** How old, s, what is kept may be for this request; negative: it wants none of it, but what comes may be kept. */
export function oldest(request: Asking): number {
  const control = request.header('cache-control')
  if (says(control, ['no-cache']) || (control === undefined && says(request.header('pragma'), ['no-cache']))) return -1
  const most = seconds(control, 'max-age')
  return most === 0 ? -1 : (most ?? Infinity)
}

/** Whether the request is not to be sent, whatever is kept. */
export const onlyKept = (request: Asking): boolean => says(request.header('cache-control'), ['only-if-cached'])

/** How long this answer may be given: as long as the rule says, and no longer than its origin does. `age`: how old it is, s. */
export function lifetimesOf(headers: readonly string[], rule: Lifetimes, age: number): Lifetimes {
  const control = getHeader(headers, 'cache-control')
  const said = seconds(control, 's-maxage') ?? seconds(control, 'max-age') ?? untilExpiry(headers)
  const ttl = said === undefined ? rule.ttl : Math.max(0, Math.min(rule.ttl, (said - age) * 1000))
  if (says(control, ['must-revalidate', 'proxy-revalidate', 's-maxage'])) return { ttl, staleWhileRevalidate: 0, staleIfError: 0 }
  return { ttl, staleWhileRevalidate: rule.staleWhileRevalidate, staleIfError: rule.staleIfError }
}

/** Seconds from Date to Expires; what is no date has expired. */
function untilExpiry(headers: readonly string[]): number | undefined {
  const [date, expires] = [getHeader(headers, 'date'), getHeader(headers, 'expires')]
  if (expires === undefined) return undefined
  const until = Date.parse(expires)
  if (Number.isNaN(until) || /^-?\d+$/.test(expires)) return 0
  return date === undefined ? undefined : (until - Date.parse(date)) / 1000 || 0
}

/** The number of a directive; what is no number allows nothing. */
function seconds(control: string | undefined, name: string): number | undefined {
  const said = control
    ?.split(',')
    .map(part => part.trim().toLowerCase())
    .find(part => part.startsWith(`${name}=`))
  if (said === undefined) return undefined
  const text = said.slice(name.length + 1).replaceAll('"', '')
  return /^\d+$/.test(text) ? Number(text) : 0
}

/** Whether an answer is only for who asked. A stream of events is: it has no end to wait for. */
export function isPrivate({ status, headers }: { readonly status: number; readonly headers: readonly string[] }): boolean {
  if (status === 206 || hasHeader(headers, 'set-cookie')) return true
  if (says(getHeader(headers, 'cache-control'), ['no-store', 'no-cache', 'private'])) return true
  return getHeader(headers, 'vary')?.includes('*') === true || getHeader(headers, 'content-type')?.startsWith('text/event-stream') === true
}

/** Names of the request headers on which the answer depends, lower case and in order. */
export function varyOf(headers: readonly string[]): readonly string[] {
  const said = getHeader(headers, 'vary')
  if (said === undefined) return []
  const names = said.split(',').map(name => name.trim().toLowerCase())
  return [...new Set(names.filter(name => name !== ''))].sort()
}

/** Whether one of these words stands in a list of directives, with or without an argument (`private="x"`). */
function says(value: string | undefined, words: readonly string[]): boolean {
  if (value === undefined) return false
  return value.split(',').some(part => {
    const directive = part.trim().toLowerCase()
    return words.includes(directive) || words.includes(directive.split('=')[0]!)
  })
}
