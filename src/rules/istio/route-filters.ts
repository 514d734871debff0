/** What filters in front of the router do with a route: faults, CORS, and copies of requests. */

import { parseDuration } from '../../base/time/duration.ts'
import { GRPC_STATUS } from '../../core/words.ts'
import type { FractionalPercent, HttpFault, RequestMirrorPolicy } from '../../envoy/index.ts'
import { protoDuration } from './cluster-policy.ts'
import { stringMatcher } from './route-match.ts'

/** Istio's percentages have four digits after the point; the rest is cut off. */
export function fraction(percentage: any): FractionalPercent {
  return { numerator: Math.trunc(Number(percentage?.value ?? 0) * 10_000), denominator: 'MILLION' }
}

/** Without a percentage neither fault ever fires: an abort then has none, a delay an empty one. */
export function faultOf(fault: any): HttpFault | undefined {
  if (fault == null) return undefined
  const out: HttpFault = { '@type': 'type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault' }
  const { delay, abort } = fault
  if (delay?.fixedDelay != null) {
    const percentage = delay.percentage != null ? fraction(delay.percentage) : delay.percent ? { numerator: Number(delay.percent) } : {}
    out.delay = { fixedDelay: protoDuration(delay.fixedDelay), percentage }
  }
  if (abort?.httpStatus != null || abort?.grpcStatus != null) {
    out.abort = abort.httpStatus != null ? { httpStatus: Number(abort.httpStatus) } : { grpcStatus: grpcStatus(abort.grpcStatus) }
    if (abort.percentage != null) out.abort.percentage = fraction(abort.percentage)
  }
  return out.delay === undefined && out.abort === undefined ? undefined : out
}

function grpcStatus(name: unknown): number {
  const code = GRPC_STATUS.indexOf(String(name))
  return code >= 0 ? code : Number(name) || 0
}

/** As the cors filter has it. */
export function corsOf(cors: any): Record<string, unknown> | undefined {
  if (cors == null) return undefined
  const out: Record<string, unknown> = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy',
    filterEnabled: { defaultValue: { numerator: 100 } },
    forwardNotMatchingPreflights: cors.unmatchedPreflights !== 'IGNORE',
  }
  if (cors.allowOrigins?.length) out.allowOriginStringMatch = cors.allowOrigins.map(stringMatcher)
  else if (cors.allowOrigin?.length) out.allowOriginStringMatch = cors.allowOrigin.map((exact: string) => ({ exact }))
  if (cors.allowMethods?.length) out.allowMethods = cors.allowMethods.join(',')
  if (cors.allowHeaders?.length) out.allowHeaders = cors.allowHeaders.join(',')
  if (cors.exposeHeaders?.length) out.exposeHeaders = cors.exposeHeaders.join(',')
  if (cors.maxAge != null) out.maxAge = String(Math.floor((parseDuration(cors.maxAge) ?? 0) / 1000))
  if (cors.allowCredentials != null) out.allowCredentials = cors.allowCredentials
  return out
}

/** Every request is copied unless a percentage says otherwise; 0 % means no policy at all. */
export function mirrorsOf(http: any, clusterOf: (destination: any) => string): RequestMirrorPolicy[] {
  const out: RequestMirrorPolicy[] = []
  const add = (destination: any, percentage: FractionalPercent) => {
    if (percentage.numerator)
      out.push({ cluster: clusterOf(destination), runtimeFraction: { defaultValue: percentage }, disableShadowHostSuffixAppend: true })
  }
  if (http.mirror != null)
    add(http.mirror, http.mirrorPercentage != null ? fraction(http.mirrorPercentage) : { numerator: Number(http.mirrorPercent ?? 100) })
  for (const mirror of http.mirrors ?? [])
    add(mirror.destination, mirror.percentage != null ? fraction(mirror.percentage) : { numerator: 100 })
  return out
}

/** Policies of consistent hashing stand at the route, though a destination rule says them. */
export function hashPolicies(hash: any): any[] {
  if (hash == null) return []
  if (hash.httpHeaderName != null) return [{ header: { headerName: hash.httpHeaderName } }]
  if (hash.httpCookie != null) {
    const { name, path, ttl, attributes } = hash.httpCookie
    const cookie: Record<string, unknown> = { name }
    if (ttl != null) cookie.ttl = protoDuration(ttl)
    if (path) cookie.path = path
    if (attributes?.length) cookie.attributes = attributes.map((attribute: any) => ({ ...attribute }))
    return [{ cookie }]
  }
  if (hash.useSourceIp != null) return [{ connectionProperties: { sourceIp: hash.useSourceIp } }]
  if (hash.httpQueryParameterName != null) return [{ queryParameter: { name: hash.httpQueryParameterName } }]
  return []
}
