/** The short cuts of the matcher against the automaton they stand for, and RE2's syntax. */
import fc from 'fast-check'
import { RE2JS } from 're2js'
import { describe, expect, test } from 'vitest'
import { compileRe2 } from '../../../src/base/formats/re2.ts'

const letters = fc.constantFrom('a', 'b', '/', '-', ' ', ':', '\n', 'é', '\u2028', '.')
const text = fc.array(letters, { maxLength: 6 }).map(l => l.join(''))

describe('a full match', () => {
  test('of literals, with `.*` before, after, or on both sides: as the automaton says', () => {
    const literal = fc.array(fc.constantFrom('a', 'b', '/', '-', ' ', ':', '\\.', '.', 'é'), { maxLength: 4 }).map(l => l.join(''))
    const end = fc.constantFrom('', '.*')
    fc.assert(
      fc.property(end, literal, end, text, (before, middle, after, given) => {
        const pattern = before + middle + after
        expect(compileRe2(pattern).test(given), `${pattern} on ${JSON.stringify(given)}`).toBe(RE2JS.compile(pattern).testExact(given))
      }),
      { numRuns: 2000 },
    )
  })
  test.each([
    ['a|b', 'ab', false],
    ['a|ab', 'ab', true],
    ['(?i)ABC', 'abc', true],
    ['[[:alpha:]]+', 'abc', true],
    ['\\Qa.b\\E', 'a.b', true],
    ['(?P<n>a)+', 'aaa', true],
    ['a{2,3}', 'aaaa', false],
    ['', '', true],
    ['', 'a', false],
    ['.*', 'a\nb', false],
    ['(?s).*', 'a\nb', true],
  ])('%s on %j: %s', (pattern, given, held) => expect(compileRe2(pattern).test(given)).toBe(held))
})

test.each(['(?=a)', '(?!a)', '(?<=a)', '(a)\\1', '[', '(', 'a**', '\\8'])('%s is no RE2 pattern, and said so', pattern =>
  expect(() => compileRe2(pattern)).toThrow(/not a RE2 pattern/),
)

describe('the size of a compiled pattern', () => {
  test.each(['a{1000}'.repeat(33), '(?:a?b?){1000}'.repeat(20), '[a-z]{1000,}'.repeat(40), '(?:x{10}){100}'.repeat(40)])(
    '%s is refused, as Envoy refuses it under Istio',
    pattern => expect(() => compileRe2(pattern)).toThrow(/instructions; Envoy takes at most 32768/),
  )
  test('patterns that real rules have, and large ones, are compiled', () => {
    for (const pattern of ['^/api/v[0-9]{1,3}/.*$', 'a{1000}'.repeat(32), '[{1000}]\\{1000}', '(?:[0-9a-f]{8}-){3}'])
      expect(compileRe2(pattern).test('')).toBe(false)
  })
})

test('nested repetition that stalls a backtracking matcher is answered', () => {
  expect(compileRe2('(a+)+b').test('a'.repeat(2000))).toBe(false)
})

test.each([
  ['a', 'b', 'aXa', 'bXb'],
  ['(\\w)(\\w)', '\\2\\1', 'abcd', 'badc'],
  ['b', '[\\0]', 'abc', 'a[b]c'],
  ['b', '\\\\$1${x}', 'abc', 'a\\$1${x}c'],
])('%s replaced by %s in %s', (pattern, substitution, given, result) =>
  expect(compileRe2(pattern).replacer(substitution)(given)).toBe(result),
)
