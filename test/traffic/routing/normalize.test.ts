import fc from 'fast-check'
import { expect, test } from 'vitest'
import { normalizePath } from '../../../src/traffic/routing/normalize.ts'

test.each([
  ['/a/../b', '/b'],
  ['/./admin', '/admin'],
  ['/a/./b/.', '/a/b/'],
  ['/a/b/..', '/a/'],
  ['/../../a', '/a'],
  ['/%61dmin', '/admin'],
  ['/a/%2e%2e/b', '/b'],
  ['/a%2Fb', '/a%2Fb'],
  ['/x//../a', '/x/a'],
  ['//a', '//a'],
  ['/a\\b', '/a/b'],
  ['/a/...', '/a/...'],
  ['/.a', '/.a'],
  ['/a.', '/a.'],
  ['/a?b=/../c%61\\#', '/a?b=/../c%61\\#'],
  ['/%zz', '/%zz'],
  ['/a/..?q', '/?q'],
  // Of googleurl, kPathCharLookup, by which Envoy's path_utility.cc goes.
  ['/a|b^c', '/a%7Cb%5Ec'],
  ['/"<>`{}', '/%22%3C%3E%60%7B%7D'],
  ['/a b\x7f', '/a%20b%7F'],
  ['/é', '/%C3%A9'],
  ['/😀', '/%F0%9F%98%80'],
  ['/%7c%7E', '/%7c~'],
  ["/!$&'()*+,;=:@[]", "/!$&'()*+,;=:@[]"],
  ['/a?b|c', '/a?b|c'],
])('%s is %s', (given, path) => expect(normalizePath(given)).toBe(path))

test.each(['/a#b', '/a%00', '/a\0'])('%j cannot be normalised', given => expect(normalizePath(given)).toBeUndefined())

test('what was normalised stays as it is, and holds no dot segment', () => {
  const part = fc.constantFrom('a', '.', '..', '', '%2e', '%2E%2e', 'b%41', '.x', 'c\\d')
  fc.assert(
    fc.property(fc.array(part, { maxLength: 7 }), parts => {
      const once = normalizePath(`/${parts.join('/')}`)!
      expect(normalizePath(once)).toBe(once)
      expect(once.split('/').some(s => s === '.' || s === '..')).toBe(false)
      expect(once.startsWith('/')).toBe(true)
    }),
  )
})
