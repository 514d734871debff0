/** Envoy's active health checks, its defaults filled in. The first check of a cluster counts; Envoy runs no more either. */
import { parseDuration } from '../../../base/time/duration.ts'
import type { Cluster, HealthCheck } from '../../../envoy/index.ts'

export interface HealthSettings {
  /** How long one check may take, ms. */
  readonly timeout: number
  /** ms between checks: of a healthy host, of an unhealthy one, and right after it has changed to healthy or unhealthy. */
  readonly interval: number
  readonly unhealthyInterval: number
  readonly healthyEdgeInterval: number
  readonly unhealthyEdgeInterval: number
  /** Up to so many ms more by chance, of the first and of every check. */
  readonly initialJitter: number
  readonly jitter: number
  readonly unhealthyThreshold: number
  readonly healthyThreshold: number
  readonly reuseConnection: boolean
  /** How it is asked over HTTP; `undefined`: a connection is enough. */
  readonly http: HttpQuestion | undefined
}

export interface HttpQuestion {
  readonly method: string
  readonly path: string
  readonly authority: string
  readonly headers: readonly string[]
  /** Statuses that pass, [from, to). */
  readonly expected: readonly Range[]
  /** Statuses that fail, but only count towards the threshold. */
  readonly retriable: readonly Range[]
}

interface Range {
  readonly start: number
  readonly end: number
}

export function healthSettings({ name, healthChecks }: Cluster): HealthSettings | undefined {
  const check = healthChecks?.[0]
  if (check === undefined) return undefined
  const ms = (text: string | undefined, otherwise: number) => (text === undefined ? otherwise : (parseDuration(text) ?? otherwise))
  const interval = ms(check.interval, 10_000)
  const unhealthyInterval = ms(check.unhealthyInterval, interval)
  return {
    timeout: ms(check.timeout, 1_000),
    interval,
    unhealthyInterval,
    healthyEdgeInterval: ms(check.healthyEdgeInterval, interval),
    unhealthyEdgeInterval: ms(check.unhealthyEdgeInterval, unhealthyInterval),
    initialJitter: ms(check.initialJitter, 0),
    jitter: ms(check.intervalJitter, 0),
    unhealthyThreshold: Math.max(1, check.unhealthyThreshold ?? 2),
    healthyThreshold: Math.max(1, check.healthyThreshold ?? 2),
    reuseConnection: check.reuseConnection ?? true,
    http: check.httpHealthCheck === undefined ? undefined : question(check.httpHealthCheck, name),
  }
}

function question(http: NonNullable<HealthCheck['httpHealthCheck']>, cluster: string): HttpQuestion {
  return {
    method: http.method ?? 'GET',
    path: http.path,
    authority: http.host || cluster.split('|').at(-1)!,
    headers: ['user-agent', 'meshless/HC', ...(http.requestHeadersToAdd ?? []).flatMap(({ header }) => [header.key, header.value])],
    expected: http.expectedStatuses ?? [{ start: 200, end: 201 }],
    retriable: http.retriableStatuses ?? [],
  }
}

export const within = (ranges: readonly Range[], status: number) => ranges.some(({ start, end }) => status >= start && status < end)
