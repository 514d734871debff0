/** Options of the cache: answers kept for a while, calls for the same thing joined. The hooks are for code only. */
import { boolean, duration, hook, integer, size } from '../option.ts'

export const cacheFields = {
  ttl: duration('How long an answer is fresh.', { default: '1s', min: 0 }),
  maxEntries: integer('Answers kept; the one unused for longest goes first.', { default: 1000, min: 1 }),
  maxBytes: size('Bytes of answers kept, together: a number, or text such as `512Ki`, `10Mi`.', { default: '10Mi' }),
  coalesce: boolean('Whether calls for the same thing at the same time become one.', { default: true }),
  staleWhileRevalidate: duration('For so long after its time an answer is still given, while a new one is fetched behind it.', {
    default: 0,
    min: 0,
  }),
  staleIfError: duration('For so long after its time an answer is still given when the call fails.', { default: 0, min: 0 }),
  key: hook<(call: any) => string | undefined>(
    'What the call asks for; `undefined`: this call is not cached. Default: the wrapped function, its `this` and its arguments, when these are plain values.',
  ),
  vary: hook<(call: any) => unknown>('What else the answer depends on, e.g. the user; made part of the key as text. Default: nothing.'),
  cacheable: hook<(result: any) => boolean>('Whether a result may be kept. Default: every one but `undefined`.'),
  sizeOf: hook<(result: any) => number>(
    'Bytes of a result, for `maxBytes`. Default: text by two bytes a character, buffers by their length, other things by their JSON.',
  ),
} as const
