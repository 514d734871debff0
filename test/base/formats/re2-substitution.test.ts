/**
 * Substitution against RE2 itself: 10,200 random triples of pattern, substitution and text with what `RE2::GlobalReplace` (RE2 of
 * 2022-06-01) made of them, and whether `CheckRewriteString` accepts the substitution. Two kinds are left out: `\B` with characters of
 * several bytes, which RE2 cuts there (a path has none), and `(?i)` beside `|`, where that RE2 loses the case (`[ab]|(?i)a` on `A`).
 */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { compileRe2 } from '../../../src/base/formats/re2.ts'
import { substitutionIssue } from '../../../src/base/formats/re2-substitution.ts'

type Triple = [pattern: string, substitution: string, text: string, result: string, refused?: 0]

test('replaces in 10,200 recorded triples what RE2 replaces, and refuses the same substitutions', () => {
  const file = new URL('./re2-substitutions.json.gz', import.meta.url)
  const triples: Triple[] = JSON.parse(gunzipSync(readFileSync(file)).toString())
  expect(triples.length).toBeGreaterThan(10_000)
  for (const [pattern, substitution, text, result, refused] of triples) {
    const regex = compileRe2(pattern)
    const what = JSON.stringify([pattern, substitution, text])
    expect(regex.replacer(substitution)(text), what).toBe(result)
    expect(substitutionIssue(substitution, regex.groups) === undefined, what).toBe(refused === undefined)
  }
})

describe('a match that may be empty', () => {
  test.each([
    ['.*', 'x', '/path', 'x'],
    ['.*', '<\\0>', '', '<>'],
    ['a*', 'x', 'baac', 'xbxcx'],
    ['(a*)(b*)', '\\2\\1', 'aab', 'baa'],
    ['$', '/', '/path', '/path/'],
    ['', '-', 'ab', '-a-b-'],
  ])('%s becomes %s in %j: %j', (pattern, substitution, text, result) =>
    expect(compileRe2(pattern).replacer(substitution)(text)).toBe(result),
  )
})

test('a group of one digit is followed by text, however many groups there are', () => {
  expect(compileRe2('(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)').replacer('\\10')('abcdefghij')).toBe('a0')
})

describe('a substitution that RE2 does not accept', () => {
  test.each([
    ['\\1', 0, '\\1 names a group that is not there: the pattern has none'],
    ['/\\3/\\1', 2, '\\3 names a group that is not there: the pattern has 2'],
    ['/\\d', 0, '\\d names no group'],
    ['/x\\', 1, 'a single \\ at the end'],
  ])('%s with %d groups: %s', (substitution, groups, issue) => expect(substitutionIssue(substitution, groups)).toBe(issue))

  test('replaces nothing when it names a group that is not there', () => {
    expect(compileRe2('a').replacer('x\\1')('banana')).toBe('banana')
  })
})
