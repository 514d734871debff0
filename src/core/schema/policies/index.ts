/**
 * The blocks of a ResiliencePolicy: each is the options of the policy of that name, described once for code and for documents. Hooks are
 * for code only; `recordStatus`, `recordErrors`, `ignoreStatus` and `ignoreErrors` say in documents what hooks say in code.
 */
import { oneOf } from '../option.ts'
import { type Fault, Place, readFields } from '../read.ts'
import type { Fields } from '../types.ts'
import { adaptiveConcurrencyFaults, adaptiveConcurrencyFields } from './adaptive-concurrency.ts'
import { bulkheadFields } from './bulkhead.ts'
import { cacheFields } from './cache.ts'
import { circuitBreakerFaults, circuitBreakerFields } from './circuit-breaker.ts'
import { fallbackFaults, fallbackFields } from './fallback.ts'
import { hedgeFields } from './hedge.ts'
import { rateLimiterFaults, rateLimiterFields } from './rate-limiter.ts'
import { splitFaults, splitFields } from './split.ts'
import { timeLimiterFields } from './time-limiter.ts'

export interface Block {
  /** What the block is for, in a sentence. */
  text: string
  fields: Fields
  /** What no single option can be blamed for; asked only when every option is right. */
  check?(settings: any): readonly Fault[]
}

export const BLOCKS = {
  circuitBreaker: {
    text: 'Calls nobody while too many calls fail or are slow.',
    fields: {
      ...circuitBreakerFields,
      scope: oneOf('One breaker for each destination, or for each route.', ['destination', 'route'], { default: 'destination' }),
    },
    check: circuitBreakerFaults,
  },
  bulkhead: { text: 'Bounds the calls that run at once.', fields: bulkheadFields },
  rateLimiter: { text: 'Bounds the calls that begin in a period.', fields: rateLimiterFields, check: rateLimiterFaults },
  timeLimiter: { text: 'Bounds the time of one try.', fields: timeLimiterFields },
  adaptiveConcurrency: {
    text: 'Bounds the calls that run at once by how long they take.',
    fields: adaptiveConcurrencyFields,
    check: adaptiveConcurrencyFaults,
  },
  hedge: { text: 'Starts another try beside a slow one.', fields: hedgeFields },
  cache: { text: 'Keeps answers for a while and joins equal calls.', fields: cacheFields },
  fallback: { text: 'What is answered when the call fails.', fields: fallbackFields, check: fallbackFaults },
  split: { text: 'Keeps a caller at one destination of a weighted route.', fields: splitFields, check: splitFaults },
} as const satisfies Record<string, Block>

export type BlockName = keyof typeof BLOCKS
export const BLOCK_NAMES = Object.keys(BLOCKS) as BlockName[]

/** Everything wrong with a block of a document; `path` is where it stands. */
export function blockFaults(name: BlockName, given: unknown, path: string): Fault[] {
  const faults: Fault[] = []
  const { fields, check }: Block = BLOCKS[name]
  const settings = readFields(fields, given, new Place(path, false, faults))
  if (faults.length > 0 || check === undefined) return faults
  return check(settings).map(fault => ({ ...fault, path: fault.path === '' ? path : `${path}.${fault.path}` }))
}
