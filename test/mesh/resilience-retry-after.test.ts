/** A document lets one answer open the breaker of its host: the data form of what code says by a hook. */
import { expect, test } from 'vitest'
import { all, policy, service, virtual } from './documents.ts'
import { meshOf } from './resilient.ts'

const ROUTE = virtual('s', '[{ route: [{ destination: { host: s.test } }], retries: { attempts: 0 } }]')

test('a 503 with Retry-After closes the way to the host for that long, and says so to the callers', async () => {
  const answers = [{ status: 503, headers: { 'retry-after': '30' } }, { status: 200 }]
  const { ask, mesh, clock } = meshOf(all(service('s', 1), ROUTE, policy('s', 'circuitBreaker: { openOnRetryAfter: true }')), {
    '10.0.0.1:80': () => answers.shift()!,
  })
  expect([await ask('/a'), await ask('/b')]).toEqual(['503 via_upstream', '503 meshless_circuit_open'])
  const refused = await mesh.fetch('http://s.test/c')
  expect(refused.headers.get('retry-after')).toBe('30')
  await clock.advanceAsync(30_000)
  expect(await ask('/d')).toBe('200 via_upstream')
})

test('which statuses, and how long at most, as data', async () => {
  const rule = 'circuitBreaker: { openOnRetryAfter: { statuses: [429], maxDelay: 5s } }'
  const answers = [{ status: 503, headers: { 'retry-after': '30' } }, { status: 429, headers: { 'retry-after': '30' } }, { status: 200 }]
  const { ask, clock } = meshOf(all(service('s', 1), ROUTE, policy('s', rule)), { '10.0.0.1:80': () => answers.shift()! })
  expect([await ask('/a'), await ask('/b'), await ask('/c')]).toEqual(['503 via_upstream', '429 via_upstream', '503 meshless_circuit_open'])
  await clock.advanceAsync(5000)
  expect(await ask('/d')).toBe('200 via_upstream')
})
