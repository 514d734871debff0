import { describe, expect, test } from 'vitest'
import { Place } from '../../src/core/schema/index.ts'
import { common, forbiddenKind, narrower, readTrust, TIGHT } from '../../src/core/trust.ts'
import { createMesh } from '../../src/index.ts'

describe('the trust of a source', () => {
  const meshWith = (trust: unknown) => createMesh({ sources: [{ name: 'a', trust: trust as any, start: () => () => {} }] })

  test.each([
    [null, /sources\[0\].trust: null is not an object/],
    [true, /sources\[0\].trust: true is not an object/],
    ['TIGHT', /sources\[0\].trust: "TIGHT" is not an object/],
    [[], /sources\[0\].trust: \[\] is not an object/],
    [{ linklocal: false }, /sources\[0\].trust.linklocal: unknown option \(did you mean linkLocal\?\)/],
    [{ linkLocal: 'false' }, /sources\[0\].trust.linkLocal: "false" is not true or false/],
    [{ linkLocal: 0 }, /trust.linkLocal: 0 is not true or false/],
    [{ linkLocal: null }, /trust.linkLocal: null is not true or false/],
    [{ unixSockets: 'no' }, /trust.unixSockets: "no" is not true or false/],
    [{ tlsDirectory: true }, /trust.tlsDirectory: true is not a directory or false/],
    [{ tlsDirectory: '' }, /trust.tlsDirectory: "" is not a directory or false/],
    [{ tlsDirectory: ' ' }, /trust.tlsDirectory: " " is not a directory or false/],
    [{ tlsDirectory: null }, /trust.tlsDirectory: null is not a directory or false/],
    [{ hosts: 'a.test' }, /trust.hosts: "a.test" is not a list/],
    [{ hosts: { 0: 'a.test' } }, /trust.hosts: .* is not a list/],
    [{ hosts: [7] }, /trust.hosts\[0\]: 7 is not a host or a wildcard/],
    [{ hosts: [''] }, /trust.hosts\[0\]: "" is not a host or a wildcard/],
    [{ hosts: ['*.'] }, /trust.hosts\[0\]: "\*\." is not a host/],
    [{ hosts: ['a.test', 'http://b.test'] }, /trust.hosts\[1\]: "http:\/\/b.test" is not a host/],
    [{ hosts: ['a.test:80'] }, /"a.test:80" is not a host/],
    [{ hosts: ['a.test/x'] }, /"a.test\/x" is not a host/],
    [{ hosts: ['*shop.test'] }, /"\*shop.test" is not a host or a wildcard \(e.g. "api.example.com" or "\*.shop/],
    [{ hosts: ['a.*.test'] }, /"a.\*.test" is not a host/],
    [{ hosts: ['default/a.test'] }, /"default\/a.test" is not a host/],
  ])('%j is rejected', (trust, message) => {
    expect(() => meshWith(trust)).toThrow(message)
    expect(() => meshWith(trust)).toThrow(expect.objectContaining({ code: 'ERR_OPTIONS' }))
  })

  test.each([
    undefined,
    {},
    TIGHT,
    { hosts: [] },
    { hosts: ['*', 'a.test', '*.b.test', '10.0.0.1', '::1', '[::1]'] },
    { tlsDirectory: '.' },
  ])('%j is accepted', trust => expect(() => meshWith(trust)).not.toThrow())

  test('is copied and frozen, hosts in the form that URLs have', () => {
    const hosts = ['A.Test.', '*.B.Test', '0x7f.1', '::1']
    const read = readTrust({ hosts }, new Place('', true))!
    hosts.push('*')
    expect(read.hosts).toEqual(['a.test', '*.b.test', '127.0.0.1', '[::1]'])
    expect(Object.isFrozen(read)).toBe(true)
  })

  test('what is left out is allowed', () => {
    for (const address of ['unix:///x', '169.254.169.254', '10.0.0.1']) {
      expect(forbiddenKind(undefined, address)).toBeUndefined()
      expect(forbiddenKind({}, address)).toBeUndefined()
      expect(forbiddenKind({ unixSockets: true, linkLocal: true }, address)).toBeUndefined()
    }
    expect(['unix:///x', '169.254.169.254', '10.0.0.1'].map(address => forbiddenKind(TIGHT, address))).toEqual([
      'unix-socket',
      'link-local',
      undefined,
    ])
  })

  test('of two the narrower holds', () => {
    expect(narrower(undefined, undefined)).toBeUndefined()
    expect(narrower({}, { linkLocal: true, hosts: ['a.test'] })).toBeUndefined()
    expect(narrower(TIGHT, undefined)).toEqual({ unixSockets: false, linkLocal: false })
    expect(narrower({ unixSockets: false }, { linkLocal: false })).toEqual({ unixSockets: false, linkLocal: false })
    expect(narrower({ linkLocal: false }, { linkLocal: true })).toEqual({ linkLocal: false })
    expect(narrower(undefined, { unixSockets: false })).toBe(narrower({ unixSockets: false, hosts: [] }, {}))
  })

  test('hosts that two have in common', () => {
    const hosts = (a: string[] | undefined, b: string[] | undefined) => common({ hosts: a }, { hosts: b })?.hosts
    expect(hosts(undefined, undefined)).toBeUndefined()
    expect(hosts(['a.test'], undefined)).toEqual(['a.test'])
    expect(hosts(['*.test', 'x.org'], ['a.test', '*.b.test', 'c.org'])).toEqual(['a.test', '*.b.test'])
    expect(hosts(['*'], ['*.test'])).toEqual(['*.test'])
    expect(hosts(['a.test'], ['b.test'])).toEqual([])
    expect(common(TIGHT, { hosts: ['a.test'] })).toEqual({ unixSockets: false, linkLocal: false, hosts: ['a.test'] })
    expect(common(TIGHT, undefined)).toBe(narrower(TIGHT, undefined))
  })
})
