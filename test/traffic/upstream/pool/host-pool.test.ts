import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { virtualClock } from '../../../../src/base/time/virtual-clock.ts'
import type { ConnectTarget, ResetReason, Stream, WireRequest } from '../../../../src/core/transport.ts'
import { HostPool } from '../../../../src/traffic/upstream/pool/host-pool.ts'
import { ClusterLimits } from '../../../../src/traffic/upstream/pool/limits.ts'
import type { Lease } from '../../../../src/traffic/upstream/pool/member.ts'
import type { PoolListener, PoolTicket } from '../../../../src/traffic/upstream/pool/waiter.ts'
import { FakeWire } from '../support.ts'

const NOBODY = { response() {}, reset() {}, complete() {} }

/** Somebody who wants a connection, and remembers what became of it. */
class Wish implements PoolListener {
  ends: string[] = []
  stream: Stream | undefined
  ticket: PoolTicket | undefined
  ready(lease: Lease): void {
    this.ends.push('ready')
    this.stream = lease.send({} as WireRequest, NOBODY)
  }
  rejected(reason: ResetReason): void {
    this.ends.push(reason)
  }
}

interface Said {
  limits?: { maxConnections?: number; maxPendingRequests?: number; maxRequests?: number }
  settings?: { idleTimeout?: number; maxRequestsPerConnection?: number; maxConnectionDuration?: number }
  target?: Partial<ConnectTarget>
}

const make = ({ limits: given = {}, settings = {}, target = {} }: Said = {}) => {
  const clock = virtualClock()
  const wire = new FakeWire()
  const limits = new ClusterLimits()
  limits.update(given)
  const pool = () =>
    new HostPool(wire, () => ({ address: 'h:1', protocol: 'http1', connectTimeout: 1000, ...target }), limits, clock, {
      idleTimeout: Infinity,
      maxRequestsPerConnection: 0,
      maxConnectionDuration: 0,
      ...settings,
    })
  const first = pool()
  const want = (from = first) => {
    const wish = new Wish()
    wish.ticket = from.acquire(wish)
    return wish
  }
  return { clock, wire, limits, pool, first, want }
}
/** Ends the request that runs on a connection. */
const end = (connection: FakeWire['connections'][number]) => [...connection.streams][0]!.complete()

test('an endpoint with several addresses: attempts are counted, connections are one, as in Envoy (happy_eyeballs_connection_impl)', () => {
  const { wire, want, first, limits } = make({ limits: { maxConnections: 1 } })
  const wish = want()
  first.another()
  expect(limits.snapshot()).toMatchObject({ upstream_cx_total: 2, upstream_cx_http1_total: 1, upstream_cx_active: 1 })
  wire.connections[0]!.connect()
  expect(wish.ends).toEqual(['ready'])
})

describe('one connection, one request at a time', () => {
  test('who comes first is served first, and the connection used last is used next', () => {
    const { wire, want } = make()
    const [a, b] = [want(), want()]
    expect(wire.connections).toHaveLength(2)
    wire.connections[1]!.connect()
    expect([a.ends, b.ends]).toEqual([['ready'], []])
    wire.connections[0]!.connect()
    end(wire.connections[1]!)
    end(wire.connections[0]!)
    want()
    expect(wire.connections.map(c => c.streams.size)).toEqual([1, 0])
  })

  test('a warm connection needs no pending slot', () => {
    const { wire, want, limits } = make({ limits: { maxPendingRequests: 1 } })
    const [a, refused] = [want(), want()]
    expect(refused.ends).toEqual(['overflow'])
    wire.connections[0]!.connect()
    expect(a.ends).toEqual(['ready'])
    expect(limits.stats).toMatchObject({ upstream_rq_pending_overflow: 1, upstream_rq_pending_total: 1, upstream_cx_total: 1 })
    want()
    wire.connections[1]!.connect()
    for (const c of wire.connections) end(c)
    expect([want(), want()].map(w => w.ends)).toEqual([['ready'], ['ready']])
  })

  test('beyond maxConnections requests wait; each try to connect counts as overflow', () => {
    const { wire, want, limits } = make({ limits: { maxConnections: 2 } })
    const wishes = [want(), want()]
    for (const c of wire.connections) c.connect()
    for (let i = 0; i < 4; i++) wishes.push(want())
    expect([wire.connections.length, limits.stats.upstream_cx_overflow]).toEqual([2, 4])
    for (let i = 0; i < 4; i++) end(wire.connections[i % 2]!)
    expect(wishes.every(w => w.ends[0] === 'ready')).toBe(true)
    expect(limits.stats.upstream_cx_overflow).toBe(7) // as recorded from Envoy
  })

  test('a host without any connection gets one although others have taken all', () => {
    const { wire, want, pool, limits } = make({ limits: { maxConnections: 1 } })
    want()
    want(pool())
    expect([wire.connections.length, limits.connections.used, limits.stats.upstream_cx_overflow]).toEqual([2, 2, 1])
  })

  test('maxRequests counts when a request is attached, also one that waited', () => {
    const { wire, want } = make({ limits: { maxRequests: 1 } })
    const [a, b] = [want(), want()]
    for (const c of wire.connections) c.connect()
    expect([a.ends, b.ends]).toEqual([['ready'], ['overflow']])
  })

  test('a failed connect fails all who wait here, and a retry meets a clean pool', () => {
    const { wire, first, limits } = make()
    const again = new Wish()
    const eager: PoolListener = { ready() {}, rejected: () => void first.acquire(again) }
    first.acquire(eager)
    const other = new Wish()
    first.acquire(other)
    wire.connections[0]!.fail('connection_timeout')
    expect([other.ends, again.ends]).toEqual([['connection_timeout'], []])
    expect(limits.stats).toMatchObject({
      upstream_cx_connect_fail: 1,
      upstream_cx_connect_timeout: 1,
      upstream_rq_pending_failure_eject: 2,
    })
    wire.connections[1]!.connect() // begun for the other one: whoever waits may have it
    expect(again.ends).toEqual(['ready'])
  })

  // conn_pool_base.cc purgePendingStreams: from the front of a list to whose front who waits is put, each counted until it is told.
  test('a failed connect fails who came last first, and a budget of retries counts who is still to be told', () => {
    const { wire, first, limits } = make()
    limits.update({ retryBudget: { budgetPercent: { value: 100 }, minRetryConcurrency: 0 } })
    const told: [string, number][] = []
    for (const name of ['a', 'b', 'c']) first.acquire({ ready() {}, rejected: () => void told.push([name, limits.mostRetries]) })
    wire.connections[0]!.fail('connection_failure')
    expect(told).toEqual([
      ['c', 3],
      ['b', 2],
      ['a', 1],
    ])
    expect(limits.mostRetries).toBe(0)
  })

  // http1/conn_pool.h releaseResources defers; codec_client.cc onReset of HTTP/2 does not.
  test.each([
    ['http1', 1],
    ['http2', 0],
  ] as const)('a reset request of %s counts %d for the budget of retries while it is judged', (protocol, most) => {
    const { wire, first, limits } = make({ target: { protocol } })
    limits.update({ retryBudget: { budgetPercent: { value: 100 }, minRetryConcurrency: 0 } })
    let seen: number | undefined
    const reset = () => {
      seen = limits.mostRetries
    }
    first.acquire({ ready: lease => void lease.send({} as WireRequest, { ...NOBODY, reset }), rejected() {} })
    wire.connections[0]!.connect()
    ;[...wire.connections[0]!.streams][0]!.listener.reset('connection_termination', new Error('closed'))
    expect([seen, limits.mostRetries, limits.requests.used]).toEqual([most, 0, 0])
  })

  test('who gives up is counted, and the connection begun for it stays', () => {
    const { wire, want, limits } = make()
    const wish = want()
    wish.ticket!.cancel()
    wire.connections[0]!.connect()
    expect(wish.ends).toEqual([])
    expect([limits.stats.upstream_rq_cancelled, limits.pending.used, limits.connections.used]).toEqual([1, 0, 1])
    expect(want().ends).toEqual(['ready'])
  })

  test('a connection that breaks is replaced for those who wait', () => {
    const { wire, want, limits } = make({ limits: { maxConnections: 1 } })
    want()
    wire.connections[0]!.connect()
    const waits = want()
    wire.connections[0]!.close()
    wire.connections[1]!.connect()
    expect(waits.ends).toEqual(['ready'])
    expect(limits.stats).toMatchObject({ upstream_cx_destroy_remote: 1 })
  })

  test('limits are read live', () => {
    const { wire, want, limits, first } = make({ limits: { maxConnections: 1 } })
    const [, b] = [want(), want()]
    wire.connections[0]!.connect()
    expect(b.ends).toEqual([])
    limits.update({ maxConnections: 2 })
    first.raised()
    wire.connections[1]!.connect()
    expect(b.ends).toEqual(['ready'])
  })
})

describe('how long a connection is kept', () => {
  test('after so many requests it closes, when the last has ended', () => {
    const { wire, want, limits } = make({ settings: { maxRequestsPerConnection: 2 } })
    want()
    wire.connections[0]!.connect()
    end(wire.connections[0]!)
    want()
    expect(wire.connections[0]!.state).toBe('open')
    end(wire.connections[0]!)
    expect(wire.connections[0]!.state).toBe('gone')
    want()
    expect(wire.connections).toHaveLength(2)
    expect(limits.stats).toMatchObject({ upstream_cx_max_requests: 1, upstream_cx_destroy_local: 1 })
  })

  test('unused for the idle time it closes, each at its own time', () => {
    const { clock, wire, want, limits } = make({ settings: { idleTimeout: 300 } })
    want()
    wire.connections[0]!.connect()
    want()
    wire.connections[1]!.connect()
    end(wire.connections[0]!)
    clock.advance(200)
    end(wire.connections[1]!)
    clock.advance(99)
    expect(wire.open).toHaveLength(2)
    clock.advance(1)
    expect(wire.open).toEqual([wire.connections[1]])
    clock.advance(200)
    expect([wire.open.length, limits.stats.upstream_cx_idle_timeout, limits.connections.used, clock.pending]).toEqual([0, 2, 0, 0])
  })

  test('a long request is not idle', () => {
    const { clock, wire, want } = make({ settings: { idleTimeout: 300 } })
    want()
    wire.connections[0]!.connect()
    clock.advance(1000)
    end(wire.connections[0]!)
    clock.advance(299)
    expect(wire.open).toHaveLength(1)
    clock.advance(1)
    expect(wire.open).toHaveLength(0)
  })

  test('at its greatest age it closes: at once when idle, else after its request', () => {
    const { clock, wire, want, limits } = make({ settings: { maxConnectionDuration: 500 } })
    want()
    wire.connections[0]!.connect()
    want()
    wire.connections[1]!.connect()
    end(wire.connections[0]!)
    clock.advance(500)
    expect(wire.open).toEqual([wire.connections[1]])
    expect(want().ends).toEqual([])
    end(wire.connections[1]!)
    expect(wire.connections[1]!.state).toBe('gone')
    expect(limits.stats.upstream_cx_max_duration_reached).toBe(2)
  })

  test('a pool that closes lets requests end and serves who waits', () => {
    const { wire, want, first, limits } = make({ limits: { maxConnections: 1 } })
    const a = want()
    wire.connections[0]!.connect()
    const b = want()
    first.close()
    expect([a.ends, wire.connections[0]!.state]).toEqual([['ready'], 'open'])
    end(wire.connections[0]!)
    wire.connections[1]!.connect()
    expect(b.ends).toEqual(['ready'])
    end(wire.connections[1]!)
    expect([wire.open.length, limits.connections.used, limits.requests.used, first.busy]).toEqual([0, 0, 0, false])
  })
})

describe('HTTP/2', () => {
  test('one connection serves a burst; more are made only when it cannot', () => {
    const { wire, want } = make({ target: { protocol: 'http2', maxConcurrentStreams: 3 } })
    const wishes = Array.from({ length: 4 }, () => want())
    expect(wire.connections).toHaveLength(2)
    wire.connections[0]!.connect(3)
    expect(wishes.map(w => w.ends.length)).toEqual([1, 1, 1, 0])
  })
  test('a peer that takes fewer gets fewer', () => {
    const { wire, want } = make({ target: { protocol: 'http2' } })
    const wishes = [want(), want()]
    expect(wire.connections).toHaveLength(1)
    wire.connections[0]!.connect(1)
    expect(wire.connections).toHaveLength(2)
    wire.connections[1]!.connect(1)
    expect(wishes.map(w => w.ends)).toEqual([['ready'], ['ready']])
  })
})

/** Any order of events: limits hold, everybody hears exactly once, and in the end nothing is left. */
test('invariants under any order of events', () =>
  fc.assert(
    fc.property(
      fc.record({
        maxConnections: fc.integer({ min: 1, max: 4 }),
        maxPendingRequests: fc.integer({ min: 1, max: 4 }),
        maxRequests: fc.integer({ min: 1, max: 5 }),
      }),
      fc.record({
        maxRequestsPerConnection: fc.nat(3),
        idleTimeout: fc.constantFrom(50, Infinity),
        maxConnectionDuration: fc.constantFrom(0, 120),
      }),
      fc.constantFrom('http1', 'http2') as fc.Arbitrary<'http1' | 'http2'>,
      fc.array(
        fc.tuple(
          fc.constantFrom('want', 'want', 'want', 'connect', 'connect', 'fail', 'end', 'end', 'close', 'cancel', 'abort', 'wait'),
          fc.nat(20),
        ),
        { maxLength: 120 },
      ),
      (limitsSaid, settings, protocol, events) => {
        const { clock, wire, limits, pool, first } = make({ limits: limitsSaid, settings, target: { protocol, maxConcurrentStreams: 3 } })
        const pools = [first, pool()]
        const wishes: Wish[] = []
        const nth = <T>(list: readonly T[], n: number): T | undefined => (list.length === 0 ? undefined : list[n % list.length])
        const act = (what: string, n: number) => {
          const open = wire.connections.filter(c => c.state === 'open')
          const connecting = wire.connections.filter(c => c.state === 'connecting')
          if (what === 'want') {
            const wish = new Wish()
            wishes.push(wish)
            wish.ticket = pools[n % 2]!.acquire(wish)
          } else if (what === 'connect') nth(connecting, n)?.connect(protocol === 'http1' ? 1 : 1 + (n % 3))
          else if (what === 'fail') nth(connecting, n)?.fail()
          else if (what === 'end')
            nth(
              open.flatMap(c => [...c.streams]),
              n,
            )?.complete()
          else if (what === 'close') nth(open, n)?.close()
          else if (what === 'cancel') {
            const waits = nth(
              wishes.filter(w => w.ends.length === 0),
              n,
            )
            waits?.ticket?.cancel()
            waits?.ends.push('cancelled')
          } else if (what === 'abort')
            nth(
              wishes.filter(w => w.stream !== undefined),
              n,
            )?.stream?.cancel()
          else clock.advance(n * 10)
        }
        for (const [what, n] of events) {
          act(what, n)
          const streams = wire.connections.reduce((sum, c) => sum + c.streams.size, 0)
          expect(limits.requests.used).toBe(streams)
          expect(limits.requests.used).toBeLessThanOrEqual(limits.requests.max)
          expect(limits.pending.used).toBe(wishes.filter(w => w.ends.length === 0).length)
          expect(limits.pending.used).toBeLessThanOrEqual(limits.pending.max)
          expect(limits.connections.used).toBe(wire.open.length)
          expect(limits.connections.used).toBeLessThanOrEqual(limits.connections.max + 1) // one for the host that has none
          for (const c of wire.connections) expect(c.streams.size).toBeLessThanOrEqual(c.concurrency)
        }
        for (const p of pools) p.close()
        for (let i = 0; i < 1000 && (wire.open.length > 0 || limits.pending.used > 0); i++)
          for (const c of wire.open) {
            c.connect()
            for (const s of [...c.streams]) s.complete()
          }
        expect(wishes.filter(w => w.ends.length !== 1)).toEqual([])
        expect([limits.requests.used, limits.pending.used, limits.connections.used]).toEqual([0, 0, 0])
        expect(pools.some(p => p.busy)).toBe(false)
        expect(clock.pending).toBe(0)
      },
    ),
    { numRuns: 300 },
  ))

describe('a transport that throws', () => {
  const settle = () => new Promise(resolve => setImmediate(resolve))
  test('could not connect: whoever waits is rejected, and nothing is held', async () => {
    const { wire, want, limits, first } = make()
    wire.connect = () => {
      throw new Error('own')
    }
    const wishes = [want(), want()]
    await settle()
    expect(wishes.map(w => w.ends)).toEqual([['connection_failure'], ['connection_failure']])
    expect([limits.connections.used, limits.pending.used, first.busy]).toEqual([0, 0, false])
  })

  test('when it sends: a reset, and the connection is ended', async () => {
    const { wire, want, limits } = make()
    want()
    const [connection] = wire.connections
    connection!.send = () => {
      throw new Error('own')
    }
    connection!.connect()
    await settle()
    expect([limits.requests.used, limits.connections.used]).toEqual([0, 0])
  })
})
