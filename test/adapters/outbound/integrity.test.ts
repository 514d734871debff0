/** Which bytes match which integrity metadata. */
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { matchesIntegrity } from '../../../src/adapters/outbound/integrity.ts'

const bytes = new TextEncoder().encode('hello')
const digest = (algorithm: string, text = 'hello') => createHash(algorithm).update(text).digest('base64')
const sha256 = `sha256-${digest('sha256')}`
const sha512 = `sha512-${digest('sha512')}`
const wrong = `sha512-${digest('sha512', 'other')}`

test.each([
  ['a right digest', sha256],
  ['without padding', sha256.replace('=', '')],
  ['in the alphabet of URLs', sha512.replaceAll('+', '-').replaceAll('/', '_')],
  ['with options', `${sha256}?ct=application/javascript`],
  ['an algorithm in upper case', sha256.replace('sha256', 'SHA256')],
  ['one right of two equally strong', `${wrong} ${sha512}`],
  ['a wrong one that is weaker', `${sha512} sha256-AAAA`],
  ['other white space', `\t${wrong}\n${sha512} `],
  ['only unknown algorithms', 'md5-AAAA sha1-AAAA sha2567-AAAA unknown'],
  ['nothing', ' '],
])('matches: %s', async (_name, metadata) => expect(await matchesIntegrity(bytes, metadata)).toBe(true))

test.each([
  ['a wrong digest', wrong],
  ['a right one that is weaker', `${wrong} ${sha256}`],
  ['a digest that is not base64', 'sha256-!!!'],
  ['non-ASCII', 'sha256-é'],
  ['an emoji', 'sha512-\u{1f4a5}'],
  ['no digest', 'sha256-'],
  ['nothing but an algorithm', 'sha384'],
  ['half a digest', sha256.slice(0, 20)],
  ['a stronger one that does not parse', `${sha256} sha512-???`],
  ['a digest with something behind it', `${sha256}x`],
])('does not match: %s', async (_name, metadata) => expect(await matchesIntegrity(bytes, metadata)).toBe(false))
