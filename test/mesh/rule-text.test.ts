/** Text of rules on its way out and back: UTF-8 as Envoy sends it; what cannot be sent is a fault of the rules that are loaded. */
import { describe, expect, test } from 'vitest'
import { createMesh, RuleError } from '../../src/index.ts'
import { fakeTransport } from '../../src/testing/index.ts'

const service = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'ServiceEntry',
  metadata: { name: 'a' },
  spec: {
    hosts: ['a.test'],
    ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
    resolution: 'STATIC',
    endpoints: [{ address: '10.0.0.1' }],
  },
}
const rules = (http: object) => [
  service,
  { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name: 'a' }, spec: { hosts: ['a.test'], http: [http] } },
]
const route = [{ destination: { host: 'a.test' } }]
const TEXT = 'Zürich – Ops'
const BYTES = Buffer.from(TEXT).toString('latin1')

test('header values beyond ASCII go out, and come back, as the bytes of their UTF-8', async () => {
  const transport = fakeTransport({ '*': {} })
  const headers = { request: { set: { 'x-team': TEXT } }, response: { set: { 'x-team': TEXT } } }
  const mesh = createMesh({ rules: rules({ route, headers }), transport })
  const response = await mesh.fetch('http://a.test/')
  expect(response.headers.get('x-team')).toBe(BYTES)
  expect(transport.requests[0]!.headers['x-team']).toBe(BYTES)
  await mesh.close()
})

test('a redirect beyond ASCII has the bytes of its UTF-8', async () => {
  const mesh = createMesh({ rules: rules({ redirect: { uri: '/é' } }), transport: fakeTransport() })
  const response = await mesh.fetch('http://a.test/', { redirect: 'manual' })
  expect(response.headers.get('location')).toBe('http://a.test/\xc3\xa9')
  await mesh.close()
})

describe('rules that cannot be sent are not loaded', () => {
  test.each<[string, object, string]>([
    ['a header name with a blank', { route, headers: { request: { set: { 'x team': '1' } } } }, 'headers.request.set["x team"]'],
    ['the name of a response header', { route, headers: { response: { add: { é: '1' } } } }, 'headers.response.add["é"]'],
    ['a header value with \\x01', { route, headers: { request: { set: { x: '\x01' } } } }, 'headers.request.set.x'],
    ['a length', { route, headers: { request: { set: { 'Content-Length': '5' } } } }, 'headers.request.set.Content-Length'],
    ['a path with a blank', { route, rewrite: { uri: '/a b' } }, 'rewrite.uri'],
    ['a path beyond ASCII', { route, rewrite: { uri: '/中' } }, 'rewrite.uri'],
    ['a host with a blank', { route, rewrite: { authority: 'a b' } }, 'rewrite.authority'],
    [
      'a group that is not there',
      { route, rewrite: { uriRegexRewrite: { match: 'a', rewrite: '\\1' } } },
      'rewrite.uriRegexRewrite.rewrite',
    ],
    ['a redirect with a line end', { redirect: { uri: '/\n' } }, 'redirect.uri'],
    ['the status 600', { directResponse: { status: 600 } }, 'directResponse.status'],
  ])('%s', (_, http, path) => {
    let thrown: unknown
    try {
      createMesh({ rules: rules(http), transport: fakeTransport() })
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(RuleError)
    const [first] = (thrown as RuleError).diagnostics.filter(d => d.severity === 'error')
    expect(first).toMatchObject({ name: 'a', kind: 'VirtualService', document: 1, path: `spec.http[0].${path}`, hint: expect.any(String) })
  })
})
