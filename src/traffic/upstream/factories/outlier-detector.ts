/** Outlier detection for code: the same rules as in the mesh, told by the caller what happened. */

import { type Clock, systemClock } from '../../../base/time/clock.ts'
import { type Duration, toMs } from '../../../base/time/duration.ts'
import { type Random, systemRandom } from '../../../base/time/random.ts'
import { Emitter, type EventNames, type Observable } from '../../../core/events.ts'
import { readAround } from '../../../core/schema/around.ts'
import { OutlierDetector as Detector, type EjectionKind, type LocalResult } from '../outlier/detector.ts'
import { HeldOut } from '../outlier/held-out.ts'
import { outlierSettings } from '../outlier/settings.ts'
import { detectionOf, type OutlierDetectionOptions, outlierDetectorAroundFields } from './options/outlier-detector.ts'

export type { OutlierDetectionOptions }

export interface OutlierDetectorEvents {
  /** A host is out. `until`: ms, when the first sweep may take it back (`Infinity`: somebody must). `reason`: what it did, or `manual`. */
  ejection: { host: string; until: number; reason: EjectionKind | 'manual' }
  /** A host is back. */
  unejection: { host: string }
}
export const OUTLIER_DETECTOR_EVENTS: EventNames<OutlierDetectorEvents> = { ejection: 1, unejection: 1 }

export interface OutlierDetector extends Observable<OutlierDetectorEvents> {
  /** What a call to a host came to. `now`: ms; default the clock. Sweeps that are due are run first. */
  report(host: string, result: { readonly status: number } | LocalResult, now?: number): void
  isEjected(host: string): boolean
  /** Runs the sweeps that are due, however many. */
  advance(now?: number): void
  /** Takes a host out by hand, for a time or until `uneject`, whatever the cap. */
  eject(host: string, options?: { for?: Duration | undefined; now?: number | undefined }): void
  /** Takes a host back, whoever took it out. */
  uneject(host: string, now?: number): void
  /** The hosts there are now. Those that stay keep their state; who comes back within 5 minutes finds it again. */
  hosts(hosts: readonly string[], now?: number): void
  /** New options; what was counted stays. */
  update(options: OutlierDetectionOptions, now?: number): void
  /** Counters under Envoy's names. */
  readonly stats: Readonly<Record<string, number>>
}

/**
 * Makes a detector with Istio's options. It has no timer: sweeps lie at whole multiples of `interval` after `start` and are run when time
 * is told, by `advance` or `report`.
 *
 * @throws OptionsError naming every wrong option.
 * @example
 * const detector = outlierDetector({ consecutive5xxErrors: 1, maxEjectionPercent: 50 }, { hosts: ['10.0.0.1:80', '10.0.0.2:80'] })
 * detector.report('10.0.0.1:80', { status: 503 })
 * console.log(detector.isEjected('10.0.0.1:80')) // => true
 */
export function outlierDetector(
  options: OutlierDetectionOptions = {},
  around: {
    /** All there are: the cap on ejections is a share of them. Without it, those that were reported. */
    hosts?: readonly string[] | undefined
    random?: Random | undefined
    clock?: Clock | undefined
    /** Where time begins, ms. Default 0. */
    start?: number | undefined
  } = {},
): OutlierDetector {
  const {
    random = systemRandom,
    clock = systemClock,
    start,
    hosts: all,
  } = readAround(around, 'outlierDetector', outlierDetectorAroundFields)
  let given = options
  let { detection, errorCodes } = detectionOf(options, 'outlierDetector')
  const events = new Emitter<OutlierDetectorEvents>('outlierDetector', OUTLIER_DETECTOR_EVENTS)
  const held = new HeldOut<string>()
  const detector = new Detector<string>(outlierSettings(detection), start, random, {
    ejected: (host, until, reason) => events.emit('ejection', { host, until, reason }),
    returned: host => {
      if (held.until(host) === undefined) events.emit('unejection', { host })
    },
  })
  // Without a list, hosts are known as they are first heard of.
  const learned = all === undefined ? new Set<string>() : undefined
  detector.members(all ?? [], start)
  const advance = (now: number) => {
    for (const host of held.due(now)) if (!detector.isEjected(host)) events.emit('unejection', { host })
    detector.advance(now)
  }
  return {
    on: events.on.bind(events),
    report(host, result, now = clock.now()) {
      advance(now)
      if (learned !== undefined && !learned.has(host)) detector.members(learned.add(host), now)
      if (typeof result === 'string') return detector.local(host, result, now)
      const { status } = result
      const counted = errorCodes === undefined ? status : errorCodes.includes(status) ? Math.max(500, status) : 200
      detector.status(host, counted, now)
    },
    isEjected: host => detector.isEjected(host) || held.until(host) !== undefined,
    advance: (now = clock.now()) => advance(now),
    eject(host, { for: time, now = clock.now() } = {}) {
      const until = time === undefined ? Infinity : now + toMs(time, 'eject.for')
      held.hold(host, until)
      events.emit('ejection', { host, until, reason: 'manual' })
    },
    uneject(host, now = clock.now()) {
      const was = held.release(host)
      if (detector.isEjected(host)) detector.uneject(host, now)
      else if (was) events.emit('unejection', { host })
    },
    hosts: (hosts, now = clock.now()) => {
      advance(now)
      learned?.clear()
      for (const host of hosts) learned?.add(host)
      detector.members(hosts, now)
    },
    update(changed, now = clock.now()) {
      const merged = { ...given, ...changed }
      const read = detectionOf(merged, 'outlierDetector')
      given = merged
      detection = read.detection
      errorCodes = read.errorCodes
      advance(now)
      detector.update(outlierSettings(detection), now)
    },
    get stats() {
      return { ...detector.stats, 'outlier_detection.ejections_active': detector.ejectionsActive }
    },
  }
}
