/** Options of hedging: a second try beside the first when it is slow. */
import { duration, integer } from '../option.ts'

export const hedgeFields = {
  delay: duration('How long the first try may be alone before another is started beside it.', { default: '50ms', min: 0 }),
  maxHedgedRequests: integer('Further tries at once, beside the first.', { default: 1, min: 1, max: 10 }),
} as const
