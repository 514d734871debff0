/** What of a caller's headers goes on: as Envoy 1.37 with Istio's listeners, which strip before rules look. */
import { describe, expect, test } from 'vitest'
import { outgoing } from '../../../src/traffic/engine/outgoing.ts'
import { A, world } from './world.ts'

const kept = (...headers: string[]) => outgoing(headers)

describe('headers of the caller\u2019s connection', () => {
  test.each([
    ['proxy-connection', 'keep-alive'],
    ['Proxy-Connection', 'close'],
    ['keep-alive', 'timeout=5'],
    ['connection', 'close'],
    ['upgrade', 'h2c'],
    ['http2-settings', 'AAMAAABkAAQAAP__'],
    ['transfer-encoding', 'chunked'],
  ])('%s: %s stays behind', (name, value) =>
    expect(kept('x-a', '1', name, value, 'x-b', '2', name, value)).toEqual(['x-a', '1', 'x-b', '2']),
  )

  test.each([
    ['trailers', ['te', 'trailers']],
    ['gzip, Trailers', ['te', 'trailers']],
    ['gzip;q=0.5', []],
    ['trailers;q=1', []],
    ['', []],
  ])('te: %j', (value, left) => expect(kept('te', value)).toEqual(left))

  test('what Connection names stays behind', () => {
    expect(kept('X-Foo', '1', 'connection', 'x-foo, close', 'x-bar', '2', 'Connection', ' X-BAR ,', 'x-c', '3')).toEqual(['x-c', '3'])
  })
  test('but te, and where the request came from', () => {
    const headers = ['te', 'trailers', 'x-forwarded-for', '1.2.3.4', 'forwarded', 'for=1.2.3.4']
    expect(kept(...headers, 'connection', 'te, x-forwarded-for, forwarded')).toEqual(headers)
  })
  test('lines of the same length, and the length of the body, go on', () => {
    const headers = [
      'xx',
      '1',
      'upgrades',
      '1',
      'user-agent',
      'n',
      'content-length',
      '3',
      'sec-fetch-mode',
      'cors',
      'accept-encoding',
      'br',
    ]
    expect(kept(...headers)).toEqual(headers)
  })
})

test('a request that rules govern: they do not see it, and it does not go out', async () => {
  const { ask, transport } = world(
    { [A]: { body: 'a' } },
    {
      route:
        'match: [{ withoutHeaders: { proxy-connection: {} } }], headers: { request: { set: { x-seen: "%REQ(PROXY-CONNECTION)%|%REQ(TE)%" } } }',
    },
  )
  const { response } = await ask('/', { headers: { 'proxy-connection': 'keep-alive', te: 'gzip, trailers', 'x-a': '1' } })
  expect(response.status).toBe(200)
  expect(transport.requests[0]!.headers).toMatchObject({ te: 'trailers', 'x-a': '1', 'x-seen': '|trailers' })
  expect(transport.requests[0]!.headers).not.toHaveProperty('proxy-connection')
})

test('with requestOverrides what speaks to the mesh is obeyed, and the rest stays behind all the same', async () => {
  const { ask, transport } = world({ [A]: { body: 'a' } }, { options: { requestOverrides: true } })
  await ask('/', { headers: { 'proxy-connection': 'keep-alive', te: 'gzip', 'x-envoy-max-retries': '1' } })
  const { headers } = transport.requests[0]!
  expect(Object.keys(headers).filter(name => /^(te|proxy-connection|x-envoy-max-retries)$/.test(name))).toEqual([])
})
