/** Envoy's limits for code: so many calls at once, so many waiting, so many retries; beyond them a call is refused at once. */

import { type Clock, systemClock } from '../../../base/time/clock.ts'
import { OverflowError, reject } from '../../../core/errors.ts'
import { Emitter, type EventNames, type Observable } from '../../../core/events.ts'
import { type Policy, policy } from '../../../core/policy.ts'
import { readAround } from '../../../core/schema/around.ts'
import { GOES_ON, type Step } from '../../../core/step.ts'
import { HostPool } from '../pool/host-pool.ts'
import { ClusterLimits } from '../pool/limits.ts'
import { PLACE, Places, Stay } from '../pool/places.ts'
import { type ConnectionPoolOptions, poolOf } from './options/connection-pool.ts'

export type { ConnectionPoolOptions }

export interface ConnectionPoolEvents {
  /** A call was refused. `limit`: which, in Istio's words. */
  overflow: { reason: string }
}
export const CONNECTION_POOL_EVENTS: EventNames<ConnectionPoolEvents> = { overflow: 1 }

export interface ConnectionPool extends Policy, Observable<ConnectionPoolEvents> {
  /** New limits hold at once; running calls are not disturbed. */
  update(options: ConnectionPoolOptions): void
  /** Counters and gauges under Envoy's names. */
  readonly stats: Readonly<Record<string, number>>
}

/** What a place in the pool ends with. */
interface Pass {
  readonly stay: Stay
  readonly retry: boolean
}

/**
 * Makes a pool with Istio's options. Round code it counts calls: `tcp.maxConnections` is how many run at once,
 * `http.http1MaxPendingRequests` how many wait, `http.http2MaxRequests` bounds running calls too, `http.maxRetries` those that are retries.
 * Refused calls get an OverflowError.
 *
 * @throws OptionsError naming every wrong option.
 * @example
 * const pool = connectionPool({ tcp: { maxConnections: 10 }, http: { http1MaxPendingRequests: 5 } })
 * const response = await pool.execute(call => fetch(url, { signal: call.signal }))
 * console.log(response.status) // => 200
 */
export function connectionPool(
  options: ConnectionPoolOptions = {},
  around: { name?: string | undefined; clock?: Clock | undefined } = {},
): ConnectionPool {
  const { name = '', clock = systemClock } = readAround(around, 'connectionPool')
  let given = options
  let { circuitBreakers, warnings } = poolOf(options, 'connectionPool')
  const events = new Emitter<ConnectionPoolEvents>('connectionPool', CONNECTION_POOL_EVENTS)
  const limits = new ClusterLimits()
  limits.update(circuitBreakers.thresholds![0])
  const places = new Places()
  const pool = new HostPool(places, () => PLACE, limits, clock, {
    idleTimeout: Infinity,
    maxRequestsPerConnection: 0,
    maxConnectionDuration: 0,
  })

  const refuse = (reason: string) => {
    if (events.listening > 0) events.emit('overflow', { reason })
    return reject(OverflowError, `connection pool${name === '' ? '' : ` ${name}`}: ${reason}`, { policy: name })
  }
  const end = ({ stay, retry }: Pass) => {
    if (retry) limits.retries.give()
    stay.leave()
  }
  const step: Step<Pass> = {
    admit(call) {
      const retry = call.attempt > 1
      if (retry && !limits.takeRetry()) throw refuse(`overflow: the limit of ${limits.mostRetries} retries is reached`)
      const stay = new Stay(pool, places)
      const pass = { stay, retry }
      if (stay.granted) return pass
      if (stay.refusal !== undefined) {
        end(pass)
        throw refuse(stay.refusal.message)
      }
      return stay
        .wait(listener => call.onAbort(listener))
        .then(
          () => pass,
          error => {
            end(pass)
            throw stay.refusal === undefined ? error : refuse(stay.refusal.message)
          },
        )
    },
    answered(call, pass, value) {
      call.afterWork(() => end(pass))
      return value
    },
    failed(call, pass) {
      call.afterWork(() => end(pass))
      return GOES_ON
    },
  }
  return Object.defineProperties(
    Object.assign(
      policy('connectionPool', name, step, () => given),
      {
        describe: () => ({ kind: 'connectionPool', name, options: given, ...(warnings.length === 0 ? {} : { warnings }) }),
        on: events.on.bind(events),
        update(changed: ConnectionPoolOptions) {
          const merged = { ...given, ...changed }
          const read = poolOf(merged, 'connectionPool')
          given = merged
          circuitBreakers = read.circuitBreakers
          warnings = read.warnings
          limits.update(circuitBreakers.thresholds![0])
          pool.raised()
          places.open()
        },
      },
    ),
    { stats: { get: () => limits.snapshot(), enumerable: true } },
  ) as unknown as ConnectionPool
}
