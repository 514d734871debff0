/** Outlier detection for code: the same rules as in the mesh, told by the caller what happened. */

import { systemClock } from '../../../base/time/clock.ts'
import { type Duration, toMs } from '../../../base/time/duration.ts'
import { type Random, systemRandom } from '../../../base/time/random.ts'
import { Emitter, type Observable } from '../../../core/events.ts'
import { boolean, duration, type InputOf, integer, readOptions } from '../../../core/schema/index.ts'
import { OutlierDetector as Detector, type LocalResult } from '../outlier/detector.ts'
import { outlierSettings } from '../outlier/settings.ts'

export const outlierFields = {
  splitExternalLocalOriginErrors: boolean('Counts connect failures and timeouts apart from bad answers.', { default: false }),
  consecutiveLocalOriginFailures: integer('Local failures in a row (with split).', { min: 0 }),
  consecutiveGatewayErrors: integer('Answers 502, 503, 504 in a row; 0: off.', { min: 0 }),
  consecutive5xxErrors: integer('Answers 5xx in a row; 0: off.', { default: 5, min: 0 }),
  interval: duration('Time between sweeps, which take hosts back.', { default: '10s', min: 1 }),
  baseEjectionTime: duration('How long the first ejection lasts; the n-th lasts n times as long.', { default: '30s', min: 1 }),
  maxEjectionPercent: integer('No more of the hosts are out at once.', { default: 10, min: 0, max: 100, unit: '%' }),
  minHealthPercent: integer('Read by the balancer: below it all hosts are asked.', { default: 0, min: 0, max: 100, unit: '%' }),
} as const

/** Istio's OutlierDetection. */
export type OutlierDetectionOptions = InputOf<typeof outlierFields>

export interface OutlierDetectorEvents {
  ejection: { host: string; until: number }
  unejection: { host: string }
}

export interface OutlierDetector extends Observable<OutlierDetectorEvents> {
  /** What a call to a host came to. `now`: ms; default the clock. */
  report(host: string, result: { status: number } | LocalResult, now?: number): void
  isEjected(host: string): boolean
  /** Runs the sweeps that are due. */
  advance(now?: number): void
  eject(host: string, options?: { for?: Duration; now?: number }): void
  uneject(host: string, now?: number): void
  /** The hosts there are now; those that stay keep their state. */
  update(hosts: readonly string[]): void
  readonly stats: Readonly<Record<string, number>>
}

/**
 * Makes a detector with Istio's options. Time begins at `now` (default: the clock).
 *
 * @throws OptionsError naming every wrong option.
 * @example
 * const detector = outlierDetector({ consecutive5xxErrors: 3, maxEjectionPercent: 50 }, { hosts: ['10.0.0.1:80', '10.0.0.2:80'] })
 */
export function outlierDetector(
  options: OutlierDetectionOptions = {},
  around: { hosts?: readonly string[]; random?: Random; now?: number } = {},
): OutlierDetector {
  const given = readOptions(outlierFields, options, 'outlierDetector')
  const events = new Emitter<OutlierDetectorEvents>()
  const start = around.now ?? 0
  const gateway = given.consecutiveGatewayErrors ?? 0
  const settings = {
    ...outlierSettings({}),
    split: given.splitExternalLocalOriginErrors,
    consecutive5xx: given.consecutive5xxErrors,
    consecutiveGateway: gateway,
    enforcingGateway: gateway > 0 ? 100 : 0,
    consecutiveLocal: given.consecutiveLocalOriginFailures ?? 5,
    interval: given.interval,
    baseEjectionTime: given.baseEjectionTime,
    maxEjectionTime: Math.max(300_000, given.baseEjectionTime),
    maxEjectionPercent: given.maxEjectionPercent === 0 ? 10 : given.maxEjectionPercent,
  }
  const detector = new Detector<string>(settings, start, around.random ?? systemRandom, {
    ejected: (host, until) => events.emit('ejection', { host, until }),
    returned: host => events.emit('unejection', { host }),
  })
  detector.members(around.hosts ?? [])
  const clock = (now: number | undefined) => now ?? systemClock.now()
  return {
    on: events.on.bind(events),
    report(host, result, now) {
      if (typeof result === 'string') detector.local(host, result, clock(now))
      else detector.status(host, result.status, clock(now))
    },
    isEjected: host => detector.isEjected(host),
    advance: now => detector.advance(clock(now)),
    eject(host, o) {
      detector.eject(host, clock(o?.now))
      if (o?.for !== undefined) systemClock.schedule(toMs(o.for, 'eject.for'), () => detector.uneject(host, systemClock.now()))
    },
    uneject: (host, now) => detector.uneject(host, clock(now)),
    update: hosts => detector.members(hosts),
    get stats() {
      return { ...detector.stats, 'outlier_detection.ejections_active': detector.ejectionsActive }
    },
  }
}
