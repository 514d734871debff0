/**
 * CORS as Envoy's filter executes it: a preflight of an allowed origin is answered here, and answers to an allowed origin get their
 * headers. Recorded of a real Envoy, though of little use to a caller inside the mesh.
 */
import { setHeader } from '../../base/formats/headers.ts'
import type { CorsPolicy } from '../../envoy/index.ts'
import { stringTest } from './match.ts'
import type { RequestView } from './request-view.ts'
import { headerBytes } from './rule-text.ts'

export interface Cors {
  /** The request's origin when it is an allowed one. */
  allowed(request: RequestView): string | undefined
  /** The headers of the answer to a preflight that is answered here. */
  preflight(request: RequestView, allowed: string | undefined): string[] | undefined
  /** Puts on an answer what its origin may see. */
  decorate(headers: string[], origin: string): void
}

export function compileCors(policy: CorsPolicy | undefined): Cors | undefined {
  if (policy === undefined) return undefined
  const origins = (policy.allowOriginStringMatch ?? []).map(stringTest)
  const { allowCredentials } = policy
  const [allowMethods, allowHeaders, exposeHeaders, maxAge] = [
    policy.allowMethods,
    policy.allowHeaders,
    policy.exposeHeaders,
    policy.maxAge,
  ].map(text => (text === undefined ? undefined : headerBytes(text, 'corsPolicy')))
  const forward = policy.forwardNotMatchingPreflights !== false
  return {
    allowed(request) {
      const origin = request.header('origin')
      return origin && origins.some(test => test('*') || test(origin)) ? origin : undefined
    },
    preflight(request, allowed) {
      if (request.method !== 'OPTIONS' || !request.header('origin') || !request.header('access-control-request-method')) return undefined
      if (allowed === undefined) return forward ? undefined : []
      const headers = ['access-control-allow-origin', allowed]
      if (allowCredentials) headers.push('access-control-allow-credentials', 'true')
      if (allowMethods) headers.push('access-control-allow-methods', allowMethods)
      if (allowHeaders) headers.push('access-control-allow-headers', allowHeaders)
      if (maxAge) headers.push('access-control-max-age', maxAge)
      if (exposeHeaders) headers.push('access-control-expose-headers', exposeHeaders)
      return headers
    },
    decorate(headers, origin) {
      setHeader(headers, 'access-control-allow-origin', origin)
      if (allowCredentials) setHeader(headers, 'access-control-allow-credentials', 'true')
      if (exposeHeaders) setHeader(headers, 'access-control-expose-headers', exposeHeaders)
    },
  }
}
