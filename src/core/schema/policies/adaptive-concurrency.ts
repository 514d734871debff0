/**
 * Options of the adaptive limit: how many calls may run at once is found out from how long they take. The names are concurrency-limits';
 * each algorithm reads its own, and has its own defaults.
 */
import { array, duration, hook, integer, number, object, oneOf, string } from '../option.ts'
import type { Fault } from '../read.ts'
import type { OptionsOf } from '../types.ts'

export const adaptiveConcurrencyFields = {
  algorithm: oneOf(
    'How the limit follows the measured times: `aimd` (by time-outs), `vegas` and `gradient2` (by queueing seen in the times), `settable` (by hand).',
    ['aimd', 'vegas', 'gradient2', 'settable'],
    { default: 'gradient2' },
  ),
  initialLimit: integer('The limit at the start. Default 20.', { min: 1 }),
  minLimit: integer('The limit never falls below this. Default 20, or `maxLimit` when that is less; `vegas`: 1.', { min: 1 }),
  maxLimit: integer('The limit never rises above this. Default 200; `vegas`: 1000.', { min: 1 }),
  maxConcurrency: integer(
    'Another name of `maxLimit`, as concurrency-limits has it for `vegas` and `gradient2`. Default: `maxLimit` counts.',
    { min: 1 },
  ),
  limit: integer('`settable`: the limit. Default: `initialLimit`.', { min: 1 }),
  backoffRatio: number('`aimd`: a drop multiplies the limit by this. Default 0.9.', { min: 0.5, max: 0.999999 }),
  timeout: duration('`aimd`: a call that takes longer counts as a drop. Default 5s.', { min: 0, above: true }),
  smoothing: number('`vegas`, `gradient2`: weight of each new estimate. Default 1 and 0.2.', { min: 0, above: true, max: 1 }),
  alpha: integer('`vegas`: with fewer calls queued the limit grows. Default 3·log10(limit).', { min: 0 }),
  beta: integer('`vegas`: with more calls queued the limit shrinks. Default 6·log10(limit).', { min: 0 }),
  probeMultiplier: integer('`vegas`: the time without load is measured anew after about so many times the limit samples. Default 30.', {
    min: 1,
  }),
  queueSize: integer('`gradient2`: calls that may queue. Default 4.', { min: 0 }),
  rttTolerance: number('`gradient2`: times may grow by this factor before the limit shrinks. Default 1.5.', { min: 1 }),
  longWindow: integer('`gradient2`: samples in the long-term average. Default 600.', { min: 1 }),
  window: object('Samples are gathered for a while and handed on as one. Default: every sample counts by itself.', {
    minWindowTime: duration('Samples are gathered for at least so long.', { default: '1s', min: 100 }),
    maxWindowTime: duration('Samples are gathered for at most so long; in between for twice the least time measured.', {
      default: '1s',
      min: 100,
    }),
    windowSize: integer('With fewer samples nothing is handed on.', { default: 10, min: 10 }),
    minRttThreshold: duration('Shorter samples are left out.', { default: '100us', min: 0 }),
    percentile: number('Hands on this percentile of the times, 0 to 1. Default: their average.', { min: 0, above: true, max: 1 }),
    percentileSamples: integer('Samples kept for the percentile; further ones are left out.', { default: 10, min: 1 }),
  }),
  isDrop: hook<(error: unknown, result: any) => boolean>(
    'Whether the end of a call says that the callee is overloaded. Default: a timeout, or an error with status 429, 503 or 504.',
  ),
  dropErrors: array('Errors with one of these codes or names are drops, no others. Default: as `isDrop`.', string('')),
  dropStatus: array(
    'Results with one of these HTTP statuses are drops, no others. Default: as `isDrop`.',
    integer('', { min: 100, max: 999 }),
  ),
} as const

export type AdaptiveConcurrencySettings = OptionsOf<typeof adaptiveConcurrencyFields>

/** What no single option can be blamed for. */
export function adaptiveConcurrencyFaults(settings: AdaptiveConcurrencySettings): Fault[] {
  const faults: Fault[] = []
  if (settings.maxLimit !== undefined && settings.maxConcurrency !== undefined)
    faults.push({
      path: 'maxConcurrency',
      kind: 'value',
      message: 'maxConcurrency and maxLimit are the same option',
      hint: 'give one of the two',
    })
  const most = settings.maxLimit ?? settings.maxConcurrency
  if (settings.minLimit !== undefined && most !== undefined && settings.minLimit > most)
    faults.push({
      path: 'minLimit',
      kind: 'value',
      message: `${settings.minLimit} is above ${settings.maxLimit === undefined ? 'maxConcurrency' : 'maxLimit'}, ${most}`,
      hint: 'the limit lies between the two',
    })
  if (settings.limit !== undefined && settings.algorithm !== 'settable')
    faults.push({
      path: 'limit',
      kind: 'value',
      message: `algorithm ${settings.algorithm} finds its own limit`,
      hint: 'use initialLimit, or algorithm settable',
    })
  const { window } = settings
  if (window?.percentile !== undefined && window.percentileSamples < window.windowSize)
    faults.push({
      path: 'window.percentileSamples',
      kind: 'value',
      message: `${window.percentileSamples} samples are kept, but with fewer than ${window.windowSize} (windowSize) nothing is handed on: the limit would never move`,
      hint: 'expected at least windowSize',
    })
  return faults
}
