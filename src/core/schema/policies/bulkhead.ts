/** Options of the bulkhead: Resilience4j's BulkheadConfig names, and a bounded queue. */
import { boolean, duration, hook, integer, oneOf } from '../option.ts'

export const bulkheadFields = {
  maxConcurrentCalls: integer('Calls that may run at once. One beyond them waits its turn, or fails with a BulkheadFullError.', {
    default: 25,
    min: 0,
  }),
  maxWaitDuration: duration('How long a call may wait for a slot before it fails with a BulkheadFullError.', { default: 0, min: 0 }),
  queueCapacity: integer('Calls that may wait. Default: unbounded when they may wait at all, otherwise none.', { min: 0 }),
  queueOrder: oneOf(
    'Who goes next: the first who came, the last who came, or the most important (lowest `priority`; among equals the first who came).',
    ['fifo', 'lifo', 'priority'],
    { default: 'fifo' },
  ),
  releaseOnAbort: boolean('Frees the slot as soon as a call is given up (timeout, abort), although its work may still run.', {
    default: false,
  }),
  leaseDuration: duration('A slot held for longer is given back by itself. Default: never.', { min: 0, above: true }),
  release: hook<(result: any) => PromiseLike<unknown> | undefined>(
    'Gives what the slot waits for after a result, e.g. the end of a body. Default: nothing.',
  ),
} as const
