/**
 * Requests that HTTP cannot carry. Rules with such text are refused when they are compiled, and callers are told by their way in; what
 * gets as far as the transport nevertheless is the fault of whoever wrote it, and gives back all that it held.
 */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createMesh, outcomeOf } from '../../../src/index.ts'
import type { Outgoing } from '../../../src/traffic/routing/rewrite.ts'
import { oneService } from '../../one-service.ts'

const rules = vi.hoisted(() => ({ rewrite: undefined as ((out: any) => void) | undefined }))
vi.mock('../../../src/traffic/routing/rewrite.ts', async original => ({
  ...(await original<typeof import('../../../src/traffic/routing/rewrite.ts')>()),
  applyOps(headers: string[], _ops: unknown, of: Outgoing) {
    if (headers === of.headers) rules.rewrite?.(of)
  },
}))

const open: { close(): unknown }[] = []
afterEach(async () => {
  rules.rewrite = undefined
  for (const one of open.splice(0)) await one.close()
})

/** `rewrites`: what the rules make of a request, as if they had been compiled. */
async function world(more: { rewrites?: (out: Outgoing) => void; http?: string; policy?: string; resilience?: string } = {}) {
  const server = http.createServer((request, response) => {
    request.resume()
    response.end(request.url)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { rewrites, http: route = '', policy, resilience } = more
  rules.rewrite = rewrites
  const documents = oneService({
    endpoints: [`127.0.0.1:${(server.address() as AddressInfo).port}`],
    http: route,
    ...(policy && { policy }),
  })
  const block = `---
apiVersion: meshless.dev/v1
kind: ResiliencePolicy
metadata: { name: s }
spec: { targets: [{ host: s.test }], ${resilience} }
`
  const mesh = createMesh({ rules: resilience === undefined ? documents : documents + block })
  open.push(mesh, { close: () => (server.closeAllConnections(), server.close()) })
  const cluster = () => mesh.snapshot().clusters['outbound|80||s.test']!
  const held = () => {
    const { upstream_rq_active, upstream_rq_pending_active } = cluster().stats as Record<string, number>
    return [upstream_rq_active, upstream_rq_pending_active, cluster().endpoints[0]!.active]
  }
  return { mesh, cluster, held }
}
const bad: [string, (out: Outgoing) => void][] = [
  ['a header value', out => out.headers.push('x', 'a\r\nb: c')],
  ['a header name', out => out.headers.push('a b', '1')],
  ['a path', out => (out.path = '/a b')],
  ['a host', out => (out.authority = 'a b')],
]

describe('what the rules made of it', () => {
  test.each(bad)('%s: 503 LR, nothing is held, and no endpoint is charged', async (_, rewrites) => {
    const { mesh, held, cluster } = await world({
      rewrites: out => {
        if (out.path.startsWith('/bad')) rewrites(out)
      },
      http: 'retries: { attempts: 2, retryOn: "5xx,reset,connect-failure" }',
      policy:
        '{ outlierDetection: { consecutive5xxErrors: 1, consecutiveLocalOriginFailures: 1, splitExternalLocalOriginErrors: true, interval: 1h } }',
    })
    for (let i = 0; i < 3; i++) {
      expect(await (await mesh.fetch('http://s.test/good')).text()).toBe('/good')
      for (const init of [{}, { method: 'POST', body: 'x' }]) {
        const response = await mesh.fetch('http://s.test/bad', init)
        const { flags, details, attempts, error } = outcomeOf(response)!
        expect([response.status, flags, details, attempts]).toEqual([503, 'LR', 'upstream_reset_before_response_started{local_reset}', 1])
        expect((error as Error).message).toMatch(/^invalid /)
        await response.text()
        expect(held()).toEqual([0, 0, 0])
      }
    }
    const { stats, endpoints } = cluster()
    expect([stats['upstream_cx_total'], endpoints[0]!.health]).toEqual([1, 'healthy'])
  })

  test('the permits of policies come back as well', async () => {
    const { mesh } = await world({ rewrites: bad[0]![1], resilience: 'bulkhead: { maxConcurrentCalls: 1, maxWaitDuration: 0s }' })
    for (let i = 0; i < 3; i++) expect(outcomeOf(await mesh.fetch('http://s.test/'))!.flags).toBe('LR')
  })
})

test('what the caller asked for: a TypeError as fetch has it, nothing is held', async () => {
  const { mesh, held } = await world()
  const core = mesh.fetch
  for (let i = 0; i < 3; i++) {
    const asked = core('http://s.test/', { method: 'POST', body: 'x', headers: { x: 'a\x01' } })
    await expect(asked).rejects.toMatchObject({ name: 'TypeError', cause: { code: 'UND_ERR_INVALID_ARG', message: 'invalid x header' } })
    expect(held()).toEqual([0, 0, 0])
    expect(await (await core('http://s.test/good')).text()).toBe('/good')
  }
})

test('a request body that breaks charges no endpoint', async () => {
  const { mesh, cluster } = await world({
    policy: '{ outlierDetection: { consecutive5xxErrors: 1, interval: 1h, maxEjectionPercent: 100 } }',
  })
  for (let i = 0; i < 3; i++) {
    const body = (async function* () {
      yield Buffer.from('x')
      throw new Error('disk')
    })()
    await expect(mesh.fetch('http://s.test/', { method: 'POST', body, duplex: 'half' } as any)).rejects.toThrow('fetch failed')
  }
  expect(cluster().endpoints[0]!.health).toBe('healthy')
})
