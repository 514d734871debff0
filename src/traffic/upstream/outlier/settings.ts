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
  readonly successRate: RateSettings
  readonly failurePercentage: RateSettings
  /** Standard deviations below the mean at which a success rate is an outlier. */
  readonly successRateDeviations: number
  /** Percent of failures at which a host is out. */
  readonly failurePercentageThreshold: number
  readonly split: boolean
  /** ms between sweeps. */
  readonly interval: number
  readonly baseEjectionTime: number
  readonly maxEjectionTime: number
  readonly maxEjectionTimeJitter: number
  readonly maxEjectionPercent: number
  readonly alwaysEjectOne: boolean
  /** An active health check that passes takes an ejected host back. */
  readonly healthCheckReturns: boolean
}

/** A detector that compares what the hosts did in one interval. */
export interface RateSettings {
  /** Hosts with enough requests that it takes. */
  readonly minimumHosts: number
  /** Requests per interval that make a host count. */
  readonly requestVolume: number
  /** Chance of being enforced, percent; of local origin, the second. */
  readonly enforcing: number
  readonly enforcingLocal: number
}

/** Envoy's longest ejection when nobody says another. */
export const LONGEST_EJECTION = 300_000

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
    successRate: {
      minimumHosts: given.successRateMinimumHosts ?? 5,
      requestVolume: given.successRateRequestVolume ?? 100,
      enforcing: given.enforcingSuccessRate ?? 100,
      enforcingLocal: given.enforcingLocalOriginSuccessRate ?? 100,
    },
    successRateDeviations: (given.successRateStdevFactor ?? 1900) / 1000,
    failurePercentage: {
      minimumHosts: given.failurePercentageMinimumHosts ?? 5,
      requestVolume: given.failurePercentageRequestVolume ?? 50,
      enforcing: given.enforcingFailurePercentage ?? 0,
      enforcingLocal: given.enforcingFailurePercentageLocalOrigin ?? 0,
    },
    failurePercentageThreshold: given.failurePercentageThreshold ?? 85,
    split: given.splitExternalLocalOriginErrors ?? false,
    interval: ms(given.interval, 10_000),
    baseEjectionTime: base,
    maxEjectionTime: ms(given.maxEjectionTime, Math.max(LONGEST_EJECTION, base)),
    maxEjectionTimeJitter: ms(given.maxEjectionTimeJitter, 0),
    maxEjectionPercent: given.maxEjectionPercent ?? 10,
    alwaysEjectOne: given.alwaysEjectOneHost ?? false,
    healthCheckReturns: given.successfulActiveHealthCheckUnejectHost ?? true,
  }
}
