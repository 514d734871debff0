/** Options of the fault injector: Istio's HTTPFaultInjection, and for code what data cannot say. */

import type { CallView } from '../../core/call.ts'
import { OptionsError } from '../../core/errors.ts'
import {
  boolean,
  duration,
  hook,
  type InputOf,
  integer,
  number,
  type OptionsOf,
  object,
  readOptions,
  string,
} from '../../core/schema/index.ts'
import { GRPC_STATUS } from '../../core/words.ts'
import type { LatencyDistribution } from './kernel.ts'

const percentage = object('Share of the calls. Without it the fault never fires, as in Istio.', {
  value: number('Percent, to a ten-thousandth.', { default: 0, min: 0, max: 100, unit: '%' }),
})

export const faultInjectorFields = {
  delay: object('Waits before the call. Default: no delay.', {
    percentage,
    fixedDelay: duration('How long it waits. Either this or `latency`.', { min: 1 }),
    latency: hook<LatencyDistribution>(
      'How long it waits instead, ms, anew for each call: `uniformLatency(10, 50)` and the like. Code only.',
    ),
  }),
  abort: object('Fails instead of making the call; one of `httpStatus`, `grpcStatus` and `error`. Default: no failure.', {
    percentage,
    httpStatus: integer('The HTTP status that the FaultInjectedError has. Either this, `grpcStatus` or `error`.', { min: 200, max: 599 }),
    grpcStatus: string('The gRPC status that it has instead, by name or number.', { pattern: /^(?:[A-Z_]+|1?[0-9])$/ }),
    error: hook<(call: CallView) => unknown>('Makes the error that is thrown. Default: a FaultInjectedError. Code only.'),
  }),
  when: hook<(call: CallView) => boolean>('Only calls of which this is true may be hit. Default: all. Code only.'),
  enabled: boolean('Whether anything is injected at all: the switch that turns it off.', { default: true }),
} as const

/** Options of `faultInjector`. A wrong one throws an `OptionsError` that names every fault. */
export type FaultInjectorOptions = InputOf<typeof faultInjectorFields>
export type FaultInjectorSettings = OptionsOf<typeof faultInjectorFields>

/** A gRPC status by name or number; -1: there is none. */
export function grpcStatus(text: string): number {
  return /^\d+$/.test(text) ? (Number(text) < GRPC_STATUS.length ? Number(text) : -1) : GRPC_STATUS.indexOf(text)
}

/** Reads what a user wrote. Throws an `OptionsError` that names every fault. */
export function readFaultOptions(options: FaultInjectorOptions): FaultInjectorSettings {
  const settings = readOptions(faultInjectorFields, options, 'faultInjector')
  const { delay, abort } = settings
  const faults: string[] = []
  if (delay !== undefined && (delay.fixedDelay === undefined) === (delay.latency === undefined))
    faults.push('delay: give either fixedDelay or latency')
  if (abort !== undefined && [abort.httpStatus, abort.grpcStatus, abort.error].filter(x => x !== undefined).length !== 1)
    faults.push('abort: give one of httpStatus, grpcStatus, error')
  if (abort?.grpcStatus !== undefined && grpcStatus(abort.grpcStatus) < 0)
    faults.push(
      `abort.grpcStatus: ${JSON.stringify(abort.grpcStatus)} is no gRPC status (expected 0 to 16, or one of ${GRPC_STATUS.join(', ')})`,
    )
  if (faults.length > 0) throw new OptionsError(`faultInjector: ${faults.join('; ')}`)
  return settings
}
