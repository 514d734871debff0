/** Options of the cache: answers kept for a while, calls for the same thing joined. */
import { boolean, duration, integer, string, union } from '../option.ts'

/** A size: bytes, or a number with Ki, Mi, Gi. */
const size = [integer('', { min: 0 }), string('', { pattern: /^\d+(?:\.\d+)?(?:Ki|Mi|Gi|k|M|G)?$/ })] as const

export const cacheFields = {
  ttl: duration('How long an answer is kept.', { default: '1s', min: 0 }),
  maxEntries: integer('Answers kept; the one unused for longest goes first.', { default: 1000, min: 1 }),
  maxBytes: union('Bytes of answers kept, together: a number, or text such as `512Ki`, `10Mi`.', size, { default: '10Mi' }),
  coalesce: boolean('Whether calls for the same thing at the same time become one.', { default: true }),
  staleWhileRevalidate: duration('For so long after its time an answer is still given, while a new one is fetched behind it.', {
    default: 0,
    min: 0,
  }),
  staleIfError: duration('For so long after its time an answer is still given when the call fails.', { default: 0, min: 0 }),
} as const
