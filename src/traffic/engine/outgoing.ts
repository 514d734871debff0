/** A request on its way out: which port it is for, what of its headers stays here, and what the upstream is told about the try. */
import { removeHeader, setHeader } from '../../base/formats/headers.ts'
import { isConnectionHeader } from '../../core/sendable.ts'
import type { Plan } from '../routing/compiled-route.ts'
import type { MeshRequest } from './exchange.ts'
import { formatGrpcTimeout } from './grpc.ts'

/** The listener that a request belongs to: the port of its authority, or its scheme's. */
export function portOf(request: MeshRequest): number {
  const { authority } = request
  for (let i = authority.length - 1, port = 0, unit = 1; i > 0; i--, unit *= 10) {
    const digit = authority.charCodeAt(i) - 48
    if (digit === 10 && unit > 1) return port
    if (digit < 0 || digit > 9) break
    port += digit * unit
  }
  return request.scheme === 'https' ? 443 : 80
}

/** The host of an authority, as certificates and addresses have it. */
export function nameOf(authority: string): string {
  return authority.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
}

/**
 * A copy to change, without what speaks to the mesh itself and what belongs to the caller's connection: Envoy strips both from the requests
 * of applications, before rules see them.
 */
export function outgoing(headers: readonly string[]): string[] {
  const copy = headers.slice()
  let nominated: string[] | undefined
  for (let i = copy.length - 2; i >= 0; i -= 2) {
    const name = copy[i]!
    if (name.length > 12 && (name.charCodeAt(0) | 32) === 120) {
      if (STRIPPED.has(name.toLowerCase())) copy.splice(i, 2)
    } else if (name.length === 2) sanitizeTe(copy, i)
    else if (isConnectionHeader(name) && !FRAMING.has(name.toLowerCase())) {
      if (name.length === 10) nominated = (nominated ?? []).concat(copy[i + 1]!.toLowerCase().split(','))
      copy.splice(i, 2)
    }
  }
  for (const option of nominated ?? []) removeNominated(copy, option.trim())
  return copy
}

/** The transport takes these out when it writes its own; rules may look at them. */
const FRAMING = new Set(['host', 'content-length'])

/** Of TE `trailers` alone goes on: the codings that a caller can read say nothing of what we can. */
function sanitizeTe(headers: string[], at: number): void {
  if (headers[at]!.toLowerCase() !== 'te') return
  const accepts = headers[at + 1]!.toLowerCase().split(',')
  if (accepts.some(coding => coding.trim() === 'trailers')) headers[at + 1] = 'trailers'
  else headers.splice(at, 2)
}

/** A header that Connection names ends here as well; but nobody hides by it where a request came from. */
function removeNominated(headers: string[], name: string): void {
  if (name !== '' && name !== 'te' && !/^(x-)?forwarded/.test(name)) removeHeader(headers, name)
}

/** Tells the upstream which try this is and how long it has: ms, `Infinity` for no limit. */
export function announce(headers: string[], attempt: number, expected: number, plan: Plan): void {
  setHeader(headers, 'x-envoy-attempt-count', String(attempt))
  announceTime(headers, expected)
  if (plan.tellsGrpc && expected !== Infinity) setHeader(headers, 'grpc-timeout', formatGrpcTimeout(expected))
}

/** How long the upstream has, ms. */
export function announceTime(headers: string[], expected: number): void {
  if (expected !== Infinity) setHeader(headers, 'x-envoy-expected-rq-timeout-ms', String(Math.floor(expected)))
}

const STRIPPED = new Set([
  'x-envoy-retry-on',
  'x-envoy-retry-grpc-on',
  'x-envoy-max-retries',
  'x-envoy-retriable-status-codes',
  'x-envoy-retriable-header-names',
  'x-envoy-upstream-alt-stat-name',
  'x-envoy-upstream-rq-timeout-ms',
  'x-envoy-upstream-rq-per-try-timeout-ms',
  'x-envoy-upstream-rq-timeout-alt-response',
  'x-envoy-expected-rq-timeout-ms',
  'x-envoy-hedge-on-per-try-timeout',
  'x-envoy-force-trace',
  'x-envoy-ip-tags',
  'x-envoy-original-url',
])
