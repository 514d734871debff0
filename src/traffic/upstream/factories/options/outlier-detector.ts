/** Options of the outlier detector: Istio's OutlierDetection, and of Envoy's what Istio cannot say. */
import { OptionsError } from '../../../../core/errors.ts'
import { clock, random } from '../../../../core/schema/around.ts'
import {
  array,
  boolean,
  duration,
  type InputOf,
  integer,
  number,
  type OptionsOf,
  object,
  readOptions,
  string,
} from '../../../../core/schema/index.ts'
import type { OutlierDetection } from '../../../../envoy/index.ts'

const percent = { min: 0, max: 100, unit: '%' } as const

export const outlierDetectorAroundFields = {
  hosts: array('All there are: the cap on ejections is a share of them. Default: those that were reported.', string('A host.')),
  random,
  clock,
  start: number('Where time begins, ms.', { default: 0 }),
} as const

/** What of Envoy's outlier detection Istio cannot say. */
export const nativeOutlierFields = {
  maxEjectionTime: duration('No ejection lasts longer. Default: 300s, or the base time when that is longer.', { min: 1 }),
  maxEjectionTimeJitter: duration('Up to so much longer, by chance.', { default: 0, min: 0 }),
  alwaysEjectOneHost: boolean('Whether the first may go even when maxEjectionPercent says no.', { default: false }),
  successRate: object("Ejects who is far below the others' success rate in an interval. Default: not looked at.", {
    minimumHosts: integer('Endpoints with enough requests that it takes.', { default: 5, min: 0 }),
    requestVolume: integer('Requests in an interval that make an endpoint count.', { default: 100, min: 1 }),
    stdevFactor: integer('Thousandths of a standard deviation below the mean.', { default: 1900, min: 0 }),
    enforcing: number('Chance that it is done.', { default: 100, ...percent }),
  }),
  failurePercentage: object('Ejects who fails too large a share of an interval. Default: not looked at.', {
    threshold: number('The share.', { default: 85, ...percent }),
    minimumHosts: integer('Endpoints with enough requests that it takes.', { default: 5, min: 0 }),
    requestVolume: integer('Requests in an interval that make an endpoint count.', { default: 50, min: 1 }),
    enforcing: number('Chance that it is done.', { default: 100, ...percent }),
  }),
} as const

export const outlierDetectorFields = {
  consecutive5xxErrors: integer('Answers 5xx in a row (without `split…` also failed connections and time-outs); 0: off.', {
    default: 5,
    min: 0,
  }),
  consecutiveGatewayErrors: integer('Answers 502, 503, 504 in a row; 0: off.', { default: 0, min: 0 }),
  splitExternalLocalOriginErrors: boolean('Counts failed connections and time-outs apart from bad answers.', { default: false }),
  consecutiveLocalOriginFailures: integer('Failed connections and time-outs in a row; only with split.', { default: 5, min: 0 }),
  interval: duration('Time between sweeps, which take endpoints back and compare rates.', { default: '10s', min: 1 }),
  baseEjectionTime: duration('How long the first ejection lasts; the n-th in a row lasts n times as long.', { default: '30s', min: 1 }),
  maxEjectionPercent: integer('At most this share of the endpoints is out at once; 0 means 10.', { default: 10, ...percent }),
  minHealthPercent: integer('Read by the balancer: with fewer healthy endpoints all are asked; 0: never.', { default: 0, ...percent }),
  outlierDetectionHttpErrorCodes: array(
    'These statuses are errors, and no others. Default: 500 and more.',
    integer('', { min: 100, max: 599 }),
  ),
  ...nativeOutlierFields,
} as const

/** Options of `outlierDetector`. A wrong one throws an `OptionsError` that names every fault. */
export type OutlierDetectionOptions = InputOf<typeof outlierDetectorFields>

/** The same in Envoy's words, with the share of healthy endpoints below which the balancer panics. Throws an OptionsError naming every wrong option. */
export function detectionOf(
  options: OutlierDetectionOptions,
  what: string,
): { detection: OutlierDetection; minHealthPercent: number; errorCodes: readonly number[] | undefined } {
  const given = readOptions(outlierDetectorFields, options, what)
  const { maxEjectionTime, baseEjectionTime } = given
  if (maxEjectionTime !== undefined && maxEjectionTime < baseEjectionTime)
    throw new OptionsError(`${what}: maxEjectionTime: ${maxEjectionTime} ms is less than baseEjectionTime (${baseEjectionTime} ms)`)
  const detection: OutlierDetection = {
    consecutive5xx: given.consecutive5xxErrors,
    consecutiveGatewayFailure: given.consecutiveGatewayErrors,
    enforcingConsecutiveGatewayFailure: 100,
    splitExternalLocalOriginErrors: given.splitExternalLocalOriginErrors,
    consecutiveLocalOriginFailure: given.consecutiveLocalOriginFailures,
    interval: `${given.interval}ms`,
    baseEjectionTime: `${baseEjectionTime}ms`,
    maxEjectionPercent: given.maxEjectionPercent || 10,
    enforcingSuccessRate: 0,
    enforcingLocalOriginSuccessRate: 0,
    ...nativeDetection(given),
  }
  return { detection, minHealthPercent: given.minHealthPercent, errorCodes: given.outlierDetectionHttpErrorCodes }
}

/** The native part in Envoy's words; what nobody said is left out. */
export function nativeDetection(given: Partial<OptionsOf<typeof nativeOutlierFields>>): OutlierDetection {
  const { maxEjectionTime, maxEjectionTimeJitter, alwaysEjectOneHost, successRate, failurePercentage } = given
  const detection: OutlierDetection = {}
  if (maxEjectionTime !== undefined) detection.maxEjectionTime = `${maxEjectionTime}ms`
  if (maxEjectionTimeJitter) detection.maxEjectionTimeJitter = `${maxEjectionTimeJitter}ms`
  if (alwaysEjectOneHost) detection.alwaysEjectOneHost = true
  if (successRate !== undefined) {
    detection.enforcingSuccessRate = detection.enforcingLocalOriginSuccessRate = successRate.enforcing
    detection.successRateMinimumHosts = successRate.minimumHosts
    detection.successRateRequestVolume = successRate.requestVolume
    detection.successRateStdevFactor = successRate.stdevFactor
  }
  if (failurePercentage !== undefined) {
    detection.enforcingFailurePercentage = detection.enforcingFailurePercentageLocalOrigin = failurePercentage.enforcing
    detection.failurePercentageThreshold = failurePercentage.threshold
    detection.failurePercentageMinimumHosts = failurePercentage.minimumHosts
    detection.failurePercentageRequestVolume = failurePercentage.requestVolume
  }
  return detection
}
