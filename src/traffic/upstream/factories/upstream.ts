/**
 * A cluster for code: endpoints, of which each call gets one. It chooses as the mesh does, takes out who fails, holds Envoy's limits, and
 * says where to go in `call.endpoint`; going there is the code's own business.
 */

import { type Clock, systemClock } from '../../../base/time/clock.ts'
import { type Duration, toMs } from '../../../base/time/duration.ts'
import { type Random, systemRandom } from '../../../base/time/random.ts'
import { waitFor } from '../../../base/time/wait-for.ts'
import { Emitter, type EventNames, type Observable } from '../../../core/events.ts'
import { type Policy, policy } from '../../../core/policy.ts'
import { readAround } from '../../../core/schema/around.ts'
import type { Transport } from '../../../core/transport.ts'
import type { Host } from '../host.ts'
import { CodeCluster } from './code-cluster.ts'
import type { Endpoint } from './endpoint.ts'
import { type UpstreamEndpoint, type UpstreamOptions, upstreamAroundFields } from './options/upstream.ts'
import { defaultOutcome } from './outcome.ts'
import { upstreamStep } from './upstream-step.ts'

export type { UpstreamEndpoint, UpstreamOptions }

export interface UpstreamEvents {
  /** An endpoint is out. `until`: ms of the clock, `undefined`: until further notice. */
  ejection: { endpoint: string; until: number | undefined }
  /** An endpoint is back. */
  unejection: { endpoint: string }
}
export const UPSTREAM_EVENTS: EventNames<UpstreamEvents> = { ejection: 1, unejection: 1 }

export interface Upstream extends Policy, Observable<UpstreamEvents> {
  /** The endpoints there are now. Those that stay keep their state; who comes back within 5 minutes finds it again. */
  setEndpoints(endpoints: readonly Endpoint[]): void
  /** New settings; everything that was counted stays. */
  update(options: Partial<Omit<UpstreamOptions, 'endpoints'>>): void
  /** Takes an endpoint out by hand, for a time or until `uneject`. */
  eject(address: string, options?: { for?: Duration | undefined }): void
  uneject(address: string): void
  /** Resolves when every endpoint was checked once; at once without health checks. */
  ready(): Promise<void>
  /** Plain JSON: endpoints, and counters under Envoy's names. */
  snapshot(): { endpoints: UpstreamEndpoint[]; stats: Record<string, number> }
  /** Ends health checks and timers. */
  close(): void
}

/**
 * Makes an upstream. As a policy it sets `call.endpoint` to a copy of the endpoint, whose text is its address.
 *
 * @throws OptionsError naming every wrong option and endpoint.
 * @example
 * const pool = upstream({ endpoints: [{ address: '10.0.0.1:80' }], outlierDetection: { consecutive5xxErrors: 3 } })
 * const response = await pool.execute(call => fetch(`http://${call.endpoint}/`, { signal: call.signal }))
 * console.log(response.status) // => 200
 */
export function upstream(
  options: UpstreamOptions,
  around: {
    name?: string | undefined
    clock?: Clock | undefined
    random?: Random | undefined
    /** For health checks. */
    transport?: Transport | undefined
  } = {},
): Upstream {
  const { name = '', clock = systemClock, random = systemRandom, transport } = readAround(around, 'upstream', upstreamAroundFields)
  const events = new Emitter<UpstreamEvents>('upstream', UPSTREAM_EVENTS)
  const tell = ({ address }: Host, out: boolean, until: number | undefined) => {
    if (events.listening === 0) return
    if (out) events.emit('ejection', { endpoint: address, until })
    else events.emit('unejection', { endpoint: address })
  }
  let given = options
  const cluster = new CodeCluster(options, name, { clock, random, transport, tell })
  const step = upstreamStep(cluster, {
    name,
    clock,
    by: call => given.by?.(call),
    outcome: (result, error, call) => (given.outcome ?? defaultOutcome)(result, error, call),
  })
  return Object.assign(
    policy('upstream', name, step, () => given),
    {
      describe: () => ({
        kind: 'upstream',
        name,
        options: given,
        ...(cluster.warnings.length === 0 ? {} : { warnings: cluster.warnings }),
      }),
      on: events.on.bind(events),
      setEndpoints: (endpoints: readonly Endpoint[]) => cluster.setEndpoints(endpoints),
      update(changed: Partial<Omit<UpstreamOptions, 'endpoints'>>) {
        const merged = { ...given, ...changed }
        cluster.update(merged)
        given = merged
      },
      eject: (address: string, o: { for?: Duration | undefined } = {}) =>
        cluster.eject(address, o.for === undefined ? Infinity : toMs(o.for, 'eject.for')),
      uneject: (address: string) => cluster.uneject(address),
      ready: async () => {
        if (cluster.warming !== undefined) await waitFor(cluster.warming, clock)
      },
      snapshot: () => cluster.snapshot(),
      close: () => cluster.close(),
    },
  ) as unknown as Upstream
}
