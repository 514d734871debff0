/** CORS, beside what the recordings show. */
import { expect, test } from 'vitest'
import { compileCors } from '../../../src/traffic/routing/cors.ts'
import { requestOf } from './requests.ts'

const ask = (method: string, origin?: string, wanted?: string) =>
  requestOf({ method, headers: [...(origin ? ['origin', origin] : []), ...(wanted ? ['access-control-request-method', wanted] : [])] })

test('`*` allows every origin, and names it', () => {
  const cors = compileCors({ allowOriginStringMatch: [{ exact: '*' }], allowMethods: 'GET' })!
  const request = ask('OPTIONS', 'https://a.test', 'GET')
  expect(cors.preflight(request, cors.allowed(request))).toEqual([
    'access-control-allow-origin',
    'https://a.test',
    'access-control-allow-methods',
    'GET',
  ])
})

test('a preflight of a stranger goes on, or is answered empty where it shall not', () => {
  const stranger = ask('OPTIONS', 'https://evil.test', 'GET')
  const origins = { allowOriginStringMatch: [{ exact: 'https://a.test' }] }
  expect(compileCors(origins)!.preflight(stranger, undefined)).toBeUndefined()
  expect(compileCors({ ...origins, forwardNotMatchingPreflights: false })!.preflight(stranger, undefined)).toEqual([])
})

test('no preflight without its method, without an origin, or of another method', () => {
  const cors = compileCors({ allowOriginStringMatch: [{ exact: '*' }] })!
  for (const request of [ask('OPTIONS', 'https://a.test'), ask('OPTIONS', undefined, 'GET'), ask('GET', 'https://a.test', 'GET')])
    expect(cors.preflight(request, cors.allowed(request))).toBeUndefined()
})

test("an upstream's own headers are overruled", () => {
  const headers = ['Access-Control-Allow-Origin', '*']
  compileCors({ allowCredentials: true })!.decorate(headers, 'https://a.test')
  expect(headers).toEqual(['Access-Control-Allow-Origin', 'https://a.test', 'access-control-allow-credentials', 'true'])
})

test('no policy, no cors', () => expect(compileCors(undefined)).toBeUndefined())
