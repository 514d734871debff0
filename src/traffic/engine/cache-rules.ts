/** What HTTP says of keeping answers: which requests may be answered from a cache, and which answers are for one reader only (RFC 9111, in part). */
import { getHeader, hasHeader } from '../../base/formats/headers.ts'

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

/** `reload`: what is kept shall not be given, but what comes may be kept. */
export function lookFor(request: Asking): 'kept' | 'reload' {
  const fresh = says(request.header('cache-control'), ['no-cache', 'max-age=0']) || says(request.header('pragma'), ['no-cache'])
  return fresh ? 'reload' : 'kept'
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
