/** Options of the cache: answers kept for a while, calls for the same thing joined. */
import { boolean, duration, integer, string, union } from '../option.ts'

/** A size: bytes, or a number with Ki, Mi, Gi. */
const size = [integer('', { min: 0 }), string('', { pattern: /^\d+(?:\.\d+)?(?:Ki|Mi|Gi|k|M|G)?$/ })] as const

export const cacheFields = {
  ttl: duration('How long an answer is kept.', { default: '1s', min: 0 }),
  maxEntries: integer('Answers kept; the one unused for longest goes first.', { default: 100, min: 1 }),
  maxBytes: union('Bytes of bodies kept.', size, { default: '10Mi' }),
  coalesce: boolean('Whether calls for the same thing at the same time become one.', { default: true }),
} as const
