/** Injected faults. */

import { suggest } from '../../../core/schema/read.ts'
import { GRPC_STATUS } from '../../../core/words.ts'
import type { Check } from './check.ts'

export function fault(check: Check, { delay, abort }: any, path: string): void {
  if (delay === undefined && abort === undefined) check.error('required', path, 'a fault needs an abort or a delay', 'add abort: or delay:')
  if (delay !== undefined) {
    share(check, delay.percentage, `${path}.delay.percentage.value`)
    check.duration(delay.fixedDelay, `${path}.delay.fixedDelay`)
    if (delay.exponentialDelay !== undefined)
      check.error('not-supported', `${path}.delay.exponentialDelay`, 'exponentialDelay is not supported', 'use fixedDelay')
  }
  if (abort !== undefined) {
    share(check, abort.percentage, `${path}.abort.percentage.value`)
    if (abort.http2Error !== undefined)
      check.error('not-supported', `${path}.abort.http2Error`, 'http2Error is not supported', 'use httpStatus or grpcStatus')
    if (abort.httpStatus !== undefined && (abort.httpStatus < 200 || abort.httpStatus > 600))
      check.error(
        'invalid-status',
        `${path}.abort.httpStatus`,
        `the status ${abort.httpStatus} is not between 200 and 599`,
        'give a status from 200 to 599',
      )
    if (abort.grpcStatus !== undefined && !GRPC_STATUS.includes(abort.grpcStatus))
      check.error(
        'unknown-value',
        `${path}.abort.grpcStatus`,
        `${JSON.stringify(abort.grpcStatus)} is no gRPC status`,
        suggest(abort.grpcStatus, GRPC_STATUS) ?? `one of ${GRPC_STATUS.join(', ')}`,
      )
  }
}

function share(check: Check, percentage: { value?: number } | undefined, path: string): void {
  const value = percentage?.value ?? 0
  if (value !== 0 && !(value >= 0.0001 && value <= 100))
    check.error('invalid-percentage', path, `${value} is neither 0 nor between 0.0001 and 100`, 'give a percentage from 0 to 100')
}
