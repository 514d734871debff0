/** How a mesh ends, and that whoever waits for it keeps the process alive. */
import { describe, expect, test } from 'vitest'
import type { Clock } from '../../src/base/time/clock.ts'
import { waitFor } from '../../src/base/time/wait-for.ts'
import { createMesh, upstream } from '../../src/index.ts'
import { fakeTransport, virtualClock } from '../../src/testing/index.ts'
import { oneService } from '../one-service.ts'

function running(script: any, http = 'retries: { attempts: 3, retryOn: "5xx,reset,connect-failure" }', policy?: string) {
  const clock = virtualClock()
  const transport = fakeTransport({ '10.0.0.1:80': script }, { clock })
  const rules = oneService({ endpoints: ['10.0.0.1'], http, ...(policy === undefined ? {} : { policy }) })
  const mesh = createMesh({ clock, transport, rules })
  const ended: string[] = []
  const ask = (name: string) =>
    mesh
      .fetch('http://s.test/')
      .then(response => response.text())
      .then(
        text => ended.push(`${name} ${text}`),
        error => ended.push(`${name} ${error.message}; ${error.cause?.message}`),
      )
  return { clock, transport, mesh, ended, ask }
}

describe('close', () => {
  test.each<[string, any]>([
    ['hangs', 'hang'],
    ['is read', { body: ['a', 'b', 'c'], pause: 10_000 }],
    ['has no connection yet', 'unreachable'],
  ])('what %s when the drain is over is ended, and not tried again', async (_what, step) => {
    const { clock, transport, mesh, ended, ask } = running(step)
    void ask('a')
    await clock.advanceAsync(10)
    let closed = false
    void mesh.close({ drain: '1s' }).then(() => (closed = true))
    await clock.advanceAsync(900)
    expect([ended, closed]).toEqual([[], false])
    await clock.advanceAsync(200)
    expect([ended.length, closed]).toEqual([1, true])
    expect(ended[0]).toMatch(/^a (fetch failed|terminated); mesh\.close\(\) ended the request: .* drain of 1000 ms$/)
    expect(transport.connections.open).toBe(0)
    expect(transport.requests.length).toBeLessThanOrEqual(1)
    expect(clock.pending).toBe(0)
  })

  test('who waits in line is ended as well', async () => {
    const { clock, mesh, ended, ask } = running('hang', undefined, '{ connectionPool: { tcp: { maxConnections: 1 } } }')
    void ask('a')
    void ask('b')
    await clock.advanceAsync(10)
    const closed = mesh.close({ drain: 100 })
    await clock.advanceAsync(200)
    await closed
    expect(ended.map(e => e.slice(0, 1)).sort()).toEqual(['a', 'b'])
    expect(clock.pending).toBe(0)
  })

  test('without a drain open requests finish in their own time', async () => {
    const { clock, mesh, ended, ask } = running({ body: 'late', delay: 5000 })
    void ask('a')
    await clock.advanceAsync(10)
    const closed = mesh.close()
    await clock.advanceAsync(0)
    await closed
    expect(ended).toEqual([])
    await clock.advanceAsync(5000)
    expect(ended).toEqual(['a late'])
  })

  test('who closes a second time waits for the first', async () => {
    const { clock, mesh, ask } = running({ body: 'late', delay: 500 })
    void ask('a')
    await clock.advanceAsync(10)
    const order: string[] = []
    void mesh.close({ drain: '1s' }).then(() => order.push('first'))
    void mesh.close().then(() => order.push('second'))
    await clock.advanceAsync(100)
    expect(order).toEqual([])
    await clock.advanceAsync(600)
    expect(order).toEqual(['first', 'second'])
  })
})

describe('who waits for background work keeps the process alive', () => {
  const watched = () => {
    const clock = virtualClock()
    const holding = new Set<object>()
    const own: Clock = {
      now: () => clock.now(),
      wall: () => clock.wall(),
      schedule(delay, callback, options) {
        const timer = clock.schedule(delay, callback, options)
        if (options?.keepAlive !== true) return timer
        holding.add(timer)
        return Object.assign(Object.create(timer), {
          cancel() {
            holding.delete(timer)
            timer.cancel()
          },
        })
      },
    }
    return { clock: own, virtual: clock, holding }
  }

  test('until it has settled, however it does', async () => {
    const { clock, virtual, holding } = watched()
    let fail!: (error: Error) => void
    const waited = waitFor(new Promise((_, reject) => (fail = reject)), clock)
    await virtual.advanceAsync(3 * 3_600_000)
    expect(holding.size).toBeGreaterThan(0)
    fail(new Error('no'))
    await expect(waited).rejects.toThrow('no')
    expect(virtual.pending).toBe(0)
  })

  test('upstream.ready, mesh.ready and a request that waits for the first health check', async () => {
    const check = [{ httpHealthCheck: { path: '/' } }]
    const { clock, virtual, holding } = watched()
    const transport = fakeTransport({ '*': { body: 'ok', delay: 50 } }, { clock: virtual })
    const pool = upstream({ endpoints: [{ address: '10.0.0.1:80' }], healthChecks: check }, { clock, transport })
    const ready = pool.ready()
    expect(holding.size).toBe(1)
    await virtual.advanceAsync(50)
    await ready
    expect(holding.size).toBe(0)
    pool.close()

    const mesh = createMesh({
      clock,
      transport,
      rules: oneService({ endpoints: ['10.0.0.1'] }),
      clusters: { 's.test': { healthChecks: check } },
    })
    const meshReady = mesh.ready()
    const asked = mesh.fetch('http://s.test/')
    await virtual.advanceAsync(0)
    expect(holding.size).toBe(2)
    await virtual.advanceAsync(100)
    await meshReady
    expect((await asked).status).toBe(200)
    expect(holding.size).toBe(0)
    await mesh.close()
  })
})
