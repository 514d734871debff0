import { expect, it } from 'vitest'
import { oneLine, printableLines } from '../../../src/base/formats/one-line.ts'

it.each([
  ['plain text, é, 😀, ünïcode', 'plain text, é, 😀, ünïcode'],
  ['a\u001b[31mb', 'a\\u001b[31mb'],
  ['a\nb\r\tc\u0000', 'a\\u000ab\\u000d\\u0009c\\u0000'],
  ['\u007f\u0085\u009b', '\\u007f\\u0085\\u009b'],
  ['\u2028\u202e\u2066\ufeff\u200f', '\\u2028\\u202e\\u2066\\ufeff\\u200f'],
])('%j', (text, shown) => expect(oneLine(text)).toBe(shown))

it('keeps the line ends of a text', () => expect(printableLines('a\nb\r\n')).toBe('a\nb\\u000d\n'))
