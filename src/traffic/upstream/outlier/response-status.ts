/** What of a response the outlier detector counts: its status, a gRPC status in HTTP's words, or what an error matcher makes of it. */
import { getHeader } from '../../../base/formats/headers.ts'
import type { WireResponse } from '../../../core/transport.ts'
import type { Cluster } from '../../../envoy/index.ts'

/** Whether a status is an error by the cluster's own list. */
export type IsError = (status: number) => boolean

/**
 * The status to count. A gRPC request (`grpc`) is judged by the grpc-status in the response's headers where there is one; of any other,
 * with a matcher, only what it matches is an error.
 */
export function countedStatus({ status, headers }: WireResponse, grpc: boolean, isError: IsError | undefined): number {
  if (grpc) {
    const said = getHeader(headers, 'grpc-status')
    return said ? (GRPC_TO_HTTP[said] ?? 500) : status
  }
  if (isError !== undefined) return isError(status) ? Math.max(500, status) : 200
  return status
}

const GRPC_TO_HTTP: Record<string, number> = {
  '0': 200,
  '1': 499,
  '2': 500,
  '3': 400,
  '4': 504,
  '5': 404,
  '6': 409,
  '7': 403,
  '8': 429,
  '9': 400,
  '10': 409,
  '11': 400,
  '12': 501,
  '13': 500,
  '14': 503,
  '15': 500,
  '16': 401,
}

/** The cluster's error matcher (Istio's outlierDetectionHttpErrorCodes), as far as it speaks of statuses. */
export function errorMatcherOf(cluster: Cluster): IsError | undefined {
  const http = cluster.typedExtensionProtocolOptions?.['envoy.extensions.upstreams.http.v3.HttpProtocolOptions']
  const predicate = http?.outlierDetection?.errorMatcher as Predicate | undefined
  if (predicate === undefined) return undefined
  const matched = new Set<number>()
  for (let status = 100; status < 600; status++) if (matches(predicate, String(status))) matched.add(status)
  return status => matched.has(status)
}

interface Predicate {
  orMatch?: { rules: Predicate[] }
  andMatch?: { rules: Predicate[] }
  notMatch?: Predicate
  anyMatch?: boolean
  httpResponseHeadersMatch?: { headers: HeaderMatch[] }
}

interface HeaderMatch {
  name: string
  exactMatch?: string
  stringMatch?: { exact?: string; prefix?: string; suffix?: string; contains?: string }
  rangeMatch?: { start?: number; end?: number }
  invertMatch?: boolean
}

function matches(predicate: Predicate, status: string): boolean {
  if (predicate.orMatch !== undefined) return predicate.orMatch.rules.some(rule => matches(rule, status))
  if (predicate.andMatch !== undefined) return predicate.andMatch.rules.every(rule => matches(rule, status))
  if (predicate.notMatch !== undefined) return !matches(predicate.notMatch, status)
  const headers = predicate.httpResponseHeadersMatch?.headers
  return headers === undefined ? predicate.anyMatch === true : headers.every(header => matchesHeader(header, status))
}

function matchesHeader({ name, exactMatch, stringMatch, rangeMatch, invertMatch = false }: HeaderMatch, status: string): boolean {
  if (name !== ':status') return invertMatch
  const { exact = exactMatch, prefix = '', suffix = '', contains = '' } = stringMatch ?? {}
  const held =
    rangeMatch !== undefined
      ? Number(status) >= (rangeMatch.start ?? 0) && Number(status) < (rangeMatch.end ?? 0)
      : exact === undefined
        ? status.startsWith(prefix) && status.endsWith(suffix) && status.includes(contains)
        : status === exact
  return held !== invertMatch
}
