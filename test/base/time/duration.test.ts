import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatDuration, parseDuration, toMs } from '../../../src/base/time/duration.ts'

test.each([
  ['1h30m', 5_400_000],
  ['250ms', 250],
  ['0.5s', 500],
  ['0.1s', 100],
  ['0', 0],
  ['-1s', -1000],
  ['10us', 0.01],
  ['.5m', 30_000],
])('%s', (text, ms) => expect(parseDuration(text)).toBe(ms))
test.each(['', '5', '1x', 's', '1s ', '1 s', '--1s'])('%j is none', text => expect(parseDuration(text)).toBeUndefined())
test('what is written is read again', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e9 }), ms => {
      expect(parseDuration(formatDuration(ms))).toBe(ms)
    }),
  )
})
test('NaN and Infinity are no durations', () => {
  for (const wrong of [Number.NaN, Infinity, 'soon']) expect(() => toMs(wrong, 'wait')).toThrow('wait')
})
