/** Options of the bulkhead: Resilience4j's BulkheadConfig names, and a bounded queue. */
import { duration, hook, integer } from '../option.ts'

export const bulkheadFields = {
  maxConcurrentCalls: integer('Calls that may run at once.', { default: 25, min: 0 }),
  maxWaitDuration: duration('How long a call may wait for a slot.', { default: 0, min: 0 }),
  queueCapacity: integer('Calls that may wait. Default: unbounded when they may wait at all, otherwise none.', { min: 0 }),
  release: hook<(result: any) => PromiseLike<unknown> | undefined>('When the slot is freed after a result; default at once.'),
} as const
