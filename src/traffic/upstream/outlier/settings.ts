/** Envoy's outlier detection settings, its defaults filled in. */
import { parseDuration } from '../../../base/time/duration.ts'
import type { OutlierDetection } from '../../../envoy/index.ts'

export interface OutlierSettings {
  /** Threshold and chance (percent) of being enforced, per detector. */
  readonly consecutive5xx: number
  readonly enforcing5xx: number
  readonly consecutiveGateway: number
  readonly enforcingGateway: number
  readonly consecutiveLocal: number
  readonly enforcingLocal: number
  readonly split: boolean
  /** ms between sweeps. */
  readonly interval: number
  readonly baseEjectionTime: number
  readonly maxEjectionTime: number
  readonly maxEjectionTimeJitter: number
  readonly maxEjectionPercent: number
  readonly alwaysEjectOne: boolean
}

export function outlierSettings(given: OutlierDetection): OutlierSettings {
  const ms = (text: string | undefined, otherwise: number) => (text === undefined ? otherwise : (parseDuration(text) ?? otherwise))
  const base = ms(given.baseEjectionTime, 30_000)
  return {
    consecutive5xx: given.consecutive5xx ?? 5,
    enforcing5xx: given.enforcingConsecutive5xx ?? 100,
    consecutiveGateway: given.consecutiveGatewayFailure ?? 5,
    enforcingGateway: given.enforcingConsecutiveGatewayFailure ?? 0,
    consecutiveLocal: given.consecutiveLocalOriginFailure ?? 5,
    enforcingLocal: given.enforcingConsecutiveLocalOriginFailure ?? 100,
    split: given.splitExternalLocalOriginErrors ?? false,
    interval: ms(given.interval, 10_000),
    baseEjectionTime: base,
    maxEjectionTime: ms(given.maxEjectionTime, Math.max(300_000, base)),
    maxEjectionTimeJitter: ms(given.maxEjectionTimeJitter, 0),
    maxEjectionPercent: given.maxEjectionPercent ?? 10,
    alwaysEjectOne: given.alwaysEjectOneHost ?? false,
  }
}
