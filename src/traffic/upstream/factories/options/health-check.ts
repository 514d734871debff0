/** Options of active health checks: the names of Envoy's HealthCheck. */
import { array, boolean, duration, type InputOf, integer, type OptionsOf, object, string } from '../../../../core/schema/index.ts'
import type { HealthCheck } from '../../../../envoy/index.ts'

const statuses = (text: string) =>
  array(
    text,
    object('From `start` to just below `end`.', {
      start: integer('The first status of the range.', { required: true, min: 100, max: 599 }),
      end: integer('The status after the last of the range.', { required: true, min: 101, max: 600 }),
    }),
  )

export const healthCheckFields = {
  interval: duration('Time between checks of a healthy endpoint.', { default: '10s', min: 1 }),
  timeout: duration('How long a check may take.', { default: '1s', min: 1 }),
  unhealthyThreshold: integer('Failed checks in a row that take an endpoint out; a wrong status does it at once.', { default: 2, min: 1 }),
  healthyThreshold: integer('Passed checks in a row that take it back; the very first check decides alone.', { default: 2, min: 1 }),
  unhealthyInterval: duration('Time between checks of an unhealthy endpoint. Default: interval.', { min: 1 }),
  unhealthyEdgeInterval: duration('Time to the next check after it became unhealthy. Default: unhealthyInterval.', { min: 1 }),
  healthyEdgeInterval: duration('Time to the next check after it became healthy. Default: interval.', { min: 1 }),
  initialJitter: duration('The first check comes up to so much later, by chance.', { default: 0, min: 0 }),
  intervalJitter: duration('Every other check comes up to so much later, by chance.', { default: 0, min: 0 }),
  reuseConnection: boolean('Whether the connection is kept between checks.', { default: true }),
  httpHealthCheck: object('Asks over HTTP. Default: a connection is enough.', {
    path: string('What is asked for.', { required: true }),
    host: string("Host header. Default: the cluster's host."),
    method: string('Method.', { default: 'GET' }),
    expectedStatuses: statuses('Statuses that pass. Default: 200.'),
    retriableStatuses: statuses('Statuses that fail, but only count towards the threshold. Default: none.'),
    requestHeadersToAdd: array(
      'Headers sent along. Default: none.',
      object('A header.', {
        header: object(
          'The header.',
          { key: string('Its name.', { required: true }), value: string('Its value.', { required: true }) },
          { required: true },
        ),
      }),
    ),
  }),
  tcpHealthCheck: object('A connection is enough. Default when there is no httpHealthCheck.', {}),
} as const

/** Envoy's HealthCheck; durations also as milliseconds. */
export type HealthCheckOptions = InputOf<typeof healthCheckFields>

const DURATIONS = [
  'interval',
  'timeout',
  'unhealthyInterval',
  'unhealthyEdgeInterval',
  'healthyEdgeInterval',
  'initialJitter',
  'intervalJitter',
] as const

/** The same as proto3-JSON has it. */
export function healthCheckOf(read: OptionsOf<typeof healthCheckFields>): HealthCheck {
  const check: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(read)) if (value !== undefined) check[key] = value
  for (const key of DURATIONS) if (read[key] !== undefined) check[key] = `${read[key]}ms`
  return check as HealthCheck
}
