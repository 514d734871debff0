/** What rules write into requests and responses, held against what HTTP can carry: refused when they are read, with place and remedy. */
import { describe, expect, it } from 'vitest'
import { parseRules } from '../../../../src/rules/istio/parse.ts'
import { checkSendable } from '../../../../src/rules/istio/unsendable.ts'
import { validate } from '../../../../src/rules/validate.ts'

const document = (kind: string, spec: object) => ({
  apiVersion: kind === 'ResiliencePolicy' ? 'meshless.dev/v1' : 'networking.istio.io/v1',
  kind,
  metadata: { name: 'x' },
  spec,
})
const route = [{ destination: { host: 'a' } }]
const virtualService = (http: object) => document('VirtualService', { hosts: ['a'], http: [http] })
const found = (given: object, severity: string) =>
  validate(given)
    .filter(d => d.severity === severity)
    .map(({ code, path, hint }) => ({ code, path, mended: (hint ?? '') !== '' }))
const at = (code: string, path: string) => [{ code, path, mended: true }]
/** What a mesh adds to `validate`. */
const refusedByMesh = (given: object) => checkSendable(parseRules(given).documents).map(d => `${d.severity} ${d.code} ${d.path}`)

describe('header values', () => {
  const values = (side: string, value: string) => virtualService({ route, headers: { [side]: { set: { 'x-team': value } } } })
  describe.each(['request', 'response'])('of a %s', side => {
    it.each(['Zürich – Ops', '中文', '😀', 'a\tb', ' a ', ''])('accepts %j', value =>
      expect(found(values(side, value), 'error')).toEqual([]),
    )
    it.each(['a\x01', 'a\x7f', 'a\0', 'a\r\nb: c', 'a\n', '\ud800', 'a\udfffb'])('rejects %j', value =>
      expect(found(values(side, value), 'error')).toEqual(at('invalid-header-value', `spec.http[0].headers.${side}.set.x-team`)),
    )
  })
  it('are looked at in every place that has some', () => {
    const bad = { request: { set: { a: '\x01' }, add: { b: '\x01' } }, response: { add: { c: '\x01' } } }
    const paths = found(virtualService({ route: [{ ...route[0], headers: bad }], headers: bad }), 'error').map(d => d.path)
    expect(paths).toEqual(
      ['spec.http[0].route[0].headers', 'spec.http[0].headers'].flatMap(block => [
        `${block}.request.set.a`,
        `${block}.request.add.b`,
        `${block}.response.add.c`,
      ]),
    )
  })
})

describe('header names', () => {
  const named = (side: string, name: string) => virtualService({ route, headers: { [side]: { set: { [name]: '1' } } } })
  it.each(['x y', 'x\t', 'x\0', 'x\r\ny'])('validate warns of %j, as Istio accepts it, and a mesh rejects it', name => {
    for (const side of ['request', 'response']) {
      expect(found(named(side, name), 'error')).toEqual([])
      expect(found(named(side, name), 'warning')).toHaveLength(1)
      expect(refusedByMesh(named(side, name))).toHaveLength(1)
      expect(refusedByMesh(named(side, name))[0]).toMatch(/^error invalid-header spec\.http\[0\]\.headers\.\w+\.set/)
    }
  })
  it.each(['é', 'a:b', 'a(b)', '"a"'])('a request may get %j, which Envoy answers 503 DPE; a response may not', name => {
    expect(found(named('request', name), 'warning')).toHaveLength(1)
    expect(refusedByMesh(named('request', name))).toEqual([])
    expect(refusedByMesh(named('response', name))).toHaveLength(1)
  })
  it('in a destination are looked at as well', () => {
    const given = virtualService({ route: [{ ...route[0], headers: { request: { add: { 'x y': '1' } } } }] })
    expect(refusedByMesh(given)).toEqual(['error invalid-header spec.http[0].route[0].headers.request.add["x y"]'])
  })
  it.each([
    'Content-Length',
    'content-length',
    'transfer-encoding',
    'Connection',
    'keep-alive',
    'upgrade',
    'TE',
    'trailer',
    'proxy-connection',
    'http2-settings',
    'expect',
  ])('%s belongs to the connection: rejected on both sides, and pointless to remove', name => {
    for (const side of ['request', 'response'])
      for (const way of ['set', 'add']) {
        const headers = { [side]: { [way]: { [name]: '5' } } }
        expect(found(virtualService({ route, headers }), 'error')).toEqual(
          at('invalid-header', `spec.http[0].headers.${side}.${way}.${name}`),
        )
        expect(found(virtualService({ route: [{ ...route[0], headers }] }), 'error')).toEqual(
          at('invalid-header', `spec.http[0].route[0].headers.${side}.${way}.${name}`),
        )
      }
    const removed = virtualService({ route, headers: { request: { remove: [name] } } })
    expect(found(removed, 'error')).toEqual([])
    expect(found(removed, 'warning')).toEqual(at('no-effect', 'spec.http[0].headers.request.remove[0]'))
  })
})

describe('paths', () => {
  const path = 'spec.http[0].rewrite.uri'
  it.each(['/', '/a%20b', '/a?b=c', "/!$&'()*+,;=:@~-._", '/%e4%b8%ad'])('rewrite.uri may be %j', uri =>
    expect(found(virtualService({ route, rewrite: { uri } }), 'error')).toEqual([]),
  )
  it.each(['/a b', '/中', '/é', ' ', '/a\t', '/a\x7f', '/a#b', 'b', 'http://a/', '/\ud800', '/a\r\nHost: b'])(
    'rewrite.uri may not be %j',
    uri => expect(found(virtualService({ route, rewrite: { uri } }), 'error')).toEqual(at('invalid-path', path)),
  )
  it('says how to mend what is not ASCII, and how to take a prefix off', () => {
    const hint = (uri: string) => validate(virtualService({ route, rewrite: { uri } })).find(d => d.severity === 'error')!.hint
    expect(hint('/中 x')).toBe('write /%E4%B8%AD%20x')
    expect(hint(' ')).toBe('to take a prefix off, match "/prefix/" and rewrite it to "/"')
  })
})

describe('uriRegexRewrite', () => {
  const rewrite = (match: string, rewrite: string) => virtualService({ route, rewrite: { uriRegexRewrite: { match, rewrite } } })
  const path = 'spec.http[0].rewrite.uriRegexRewrite.rewrite'
  it.each([
    ['^/(a)', '/\\1'],
    ['^/a', '\\0'],
    ['a', '\\\\'],
  ])('%s with %s is accepted', (match, text) => expect(found(rewrite(match, text), 'error')).toEqual([]))
  it.each([
    ['^/a', '\\1'],
    ['^/(a)(?:b)', '/\\2'],
    ['a', '\\d'],
    ['a', 'b\\'],
  ])('%s with %s has no such group', (match, text) =>
    expect(found(rewrite(match, text), 'error')).toEqual(at('invalid-substitution', path)),
  )
  it.each(['/中', '/a#', '/\x01', '/\n'])('cannot write %j', text =>
    expect(found(rewrite('a', text), 'error')).toEqual(at('invalid-path', path)),
  )
  it('with a blank is Istio’s to accept: a warning', () => {
    expect(found(rewrite('%20', ' '), 'error')).toEqual([])
    expect(found(rewrite('%20', ' '), 'warning')).toEqual(at('invalid-path', path))
  })
})

describe('hosts', () => {
  const places: [string, (host: string) => object][] = [
    ['spec.http[0].rewrite.authority', host => virtualService({ route, rewrite: { authority: host } })],
    ['spec.http[0].redirect.authority', host => virtualService({ redirect: { authority: host } })],
    ['spec.http[0].headers.request.set.host', host => virtualService({ route, headers: { request: { set: { host } } } })],
    [
      'spec.http[0].route[0].headers.request.add.Host',
      host => virtualService({ route: [{ ...route[0], headers: { request: { add: { Host: host } } } }] }),
    ],
  ]
  describe.each(places)('%s', (path, of) => {
    it.each(['a', 'a.test:8080', '[::1]:80', 'a_b.test', '10.0.0.1'])('may be %j', host => expect(found(of(host), 'error')).toEqual([]))
    it.each(['a b', 'bücher.test', 'a/b', 'a?b', 'a#b', 'u@a', 'a\\b', '<a>'])('may not be %j', host =>
      expect(found(of(host), 'error')).toEqual(at('invalid-host', path)),
    )
  })
  it('are not written with formatters, which would go out as they are', () => {
    expect(found(virtualService({ route, rewrite: { authority: '%REQ(x)%' } }), 'warning')).toEqual(
      at('invalid-host', 'spec.http[0].rewrite.authority'),
    )
  })
})

describe('redirects', () => {
  const to = (uri: string) => virtualService({ redirect: { uri } })
  it.each(['/new', '/new#part', '/é', '%PREFIX()%/x', '/a?b=c'])('may lead to %j', uri => expect(found(to(uri), 'error')).toEqual([]))
  it.each(['/a\n', '/\x01', '/\0', '/\ud800'])('may not lead to %j', uri =>
    expect(found(to(uri), 'error')).toEqual(at('invalid-path', 'spec.http[0].redirect.uri')),
  )
  it('warns of a blank', () => expect(found(to('/a b'), 'warning')).toEqual(at('invalid-path', 'spec.http[0].redirect.uri')))
})

describe('direct responses', () => {
  it.each([200, 404, 599])('may have the status %d', status =>
    expect(found(virtualService({ directResponse: { status } }), 'error')).toEqual([]),
  )
  it.each([199, 600, 601])('may not have the status %d', status =>
    expect(found(virtualService({ directResponse: { status } }), 'error')).toEqual(
      at('invalid-status', 'spec.http[0].directResponse.status'),
    ),
  )
})

describe('names of headers and cookies that a hash is made of', () => {
  const hash = (consistentHash: object) => document('DestinationRule', { host: 'a', trafficPolicy: { loadBalancer: { consistentHash } } })
  const path = 'spec.trafficPolicy.loadBalancer.consistentHash'
  it.each(['a b', 'a;b', 'a=b', 'é', 'a\n'])('no cookie is named %j', name =>
    expect(found(hash({ httpCookie: { name } }), 'error')).toEqual(at('invalid-cookie', `${path}.httpCookie.name`)),
  )
  it.each(['/a;b', '/\n'])('no cookie has the path %j', cookie =>
    expect(found(hash({ httpCookie: { name: 'a', path: cookie } }), 'error')).toEqual(at('invalid-cookie', `${path}.httpCookie.path`)),
  )
  it('attributes of a cookie are names and values', () => {
    const cookie = (attributes: object[]) => hash({ httpCookie: { name: 'a', attributes } })
    expect(found(cookie([{ name: 'SameSite', value: 'Strict' }, { name: 'Secure' }]), 'error')).toEqual([])
    expect(found(cookie([{ name: 'a b' }, { name: 'b', value: 'c; Path=/' }]), 'error').map(d => d.path)).toEqual([
      `${path}.httpCookie.attributes[0].name`,
      `${path}.httpCookie.attributes[1].value`,
    ])
  })
  it('a header that no request has is a warning, one with control characters an error', () => {
    expect(found(hash({ httpHeaderName: 'x-user' }), 'warning')).toEqual([])
    expect(found(hash({ httpHeaderName: 'x user' }), 'warning')).toEqual(at('invalid-header', `${path}.httpHeaderName`))
    expect(found(hash({ httpHeaderName: 'x\n' }), 'error')).toEqual(at('invalid-header', `${path}.httpHeaderName`))
  })
  it('hold for the split of a ResiliencePolicy', () => {
    const split = (by: object) => document('ResiliencePolicy', { targets: ['*'], split: { by } })
    expect(found(split({ httpCookie: { name: 'a b', path: '/;' } }), 'error').map(d => d.path)).toEqual([
      'spec.split.by.httpCookie.name',
      'spec.split.by.httpCookie.path',
    ])
    expect(found(split({ httpHeaderName: 'x\n' }), 'error')).toEqual(at('invalid-header', 'spec.split.by.httpHeaderName'))
  })
})
