/** Whatever way a call ends, everything that it held comes back: slots, permits, connections' use, places in the retry budget, timers. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import type { FakeScript, FakeStep } from '../../../src/testing/index.ts'
import { A, B, NOTHING, world } from './world.ts'

type World = ReturnType<typeof world>
const BODY = { body: ['one', 'two', 'three'], pause: 100 }
const LARGE = { body: Array.from({ length: 20 }, () => 'x'.repeat(10_000)), pause: 1 }

/** Everything that a request may hold. */
const held = (w: World) => {
  const guard = (w.mesh.snapshot().policies['outbound|80||s.test'] ?? {}) as any
  return {
    ...w.held(),
    slots: guard.bulkhead === undefined ? 0 : 9 - guard.bulkhead.availableConcurrentCalls,
    adaptive: guard.adaptiveConcurrency?.inflight ?? 0,
  }
}
const NOTHING_HELD = { ...NOTHING, slots: 0, adaptive: 0 }

const GUARDS: Record<string, string | undefined> = {
  'without policies': undefined,
  'inside all policies':
    'bulkhead: { maxConcurrentCalls: 9 }, adaptiveConcurrency: { initialLimit: 9 }, circuitBreaker: { minimumNumberOfCalls: 100 }, rateLimiter: { limitForPeriod: 1000 }, timeLimiter: { timeoutDuration: 60s }',
  'with hedges': 'bulkhead: { maxConcurrentCalls: 9 }, adaptiveConcurrency: { initialLimit: 9 }, hedge: { delay: 5ms }',
  'behind a cache': 'bulkhead: { maxConcurrentCalls: 9 }, cache: { ttl: 1s }',
  'with another cluster as fallback': 'bulkhead: { maxConcurrentCalls: 9 }, fallback: { destination: { host: s.test } }',
}

interface Case {
  script: FakeScript
  route?: string
  init?: RequestInit
  /** What the caller does with the answer. */
  then?: (response: Response, w: World) => unknown
  /** Before there is an answer. */
  meanwhile?: (w: World) => unknown
}
const abort = new Map<World, AbortController>()
const gone = new Error('gone')
const leaveAfter = (ms: number) => (w: World) => w.clock.schedule(ms, () => abort.get(w)!.abort(gone))
const NO_RETRY = 'retries: { attempts: 0 }'

const CASES: Record<string, Case> = {
  'the body is read to its end': { script: BODY, then: r => r.text() },
  'the body is read by its stream': {
    script: BODY,
    then: async r => {
      for await (const _ of r.body as any);
    },
  },
  'it is cloned and both are read': { script: BODY, then: r => Promise.all([r.clone().text(), r.text()]) },
  'the body is cancelled at once': { script: BODY, then: r => r.body!.cancel() },
  'the body is cancelled after its first piece': {
    script: BODY,
    then: async r => {
      const reader = r.body!.getReader()
      await reader.read()
      await reader.cancel()
    },
  },
  'the body breaks': { script: { ...BODY, cut: true }, then: r => r.text() },
  'a small body is not read': { script: BODY },
  'a large body is not read': { script: LARGE },
  'there is no body: HEAD': { script: {}, init: { method: 'HEAD' } },
  'there is no body: 204': { script: { status: 204 } },
  'there is no body: 304': { script: { status: 304 } },
  'the caller has gone before': { script: {}, meanwhile: w => abort.get(w)!.abort(gone), then: () => {} },
  'the caller leaves before the answer': { script: 'hang', meanwhile: leaveAfter(50) },
  'the caller leaves while a body comes that he reads': { script: BODY, meanwhile: leaveAfter(150), then: r => r.text() },
  'the caller leaves while a body comes that nobody reads': { script: LARGE, meanwhile: leaveAfter(150) },
  'a redirect is an error': { script: { status: 302, headers: { location: '/n' }, body: 'moved' }, init: { redirect: 'error' } },
  'a redirect is given as it is': { script: { status: 302, headers: { location: '/n' }, body: 'moved' }, init: { redirect: 'manual' } },
  'redirects are followed': {
    script: r => (r.path === '/' ? { status: 302, headers: { location: '/n' }, body: 'moved' } : BODY),
    then: r => r.text(),
  },
  'redirects go round in circles': { script: { status: 302, headers: { location: '/' }, body: 'moved' } },
  'an upgrade is asked for': { script: { status: 101 }, init: { headers: { connection: 'upgrade', upgrade: 'websocket' } } },
  'the route timeout passes before the answer': { script: 'hang', route: `timeout: 1s, ${NO_RETRY}` },
  'the route timeout passes in the body': { script: BODY, route: `timeout: 150ms, ${NO_RETRY}`, then: r => r.text() },
  'the route timeout passes in a body that nobody reads': { script: LARGE, route: `timeout: 5ms, ${NO_RETRY}` },
  'every try passes its time': { script: 'hang', route: 'retries: { attempts: 2, perTryTimeout: 1s, retryOn: "5xx" }' },
  'the route timeout passes between two tries': {
    script: { status: 503, body: 'no' },
    route: 'timeout: 100ms, retries: { attempts: 5, backoff: 10s, retryOn: "5xx" }',
  },
  'a retry helps': { script: [{ status: 503, body: 'no' }, BODY], route: 'retries: { attempts: 2, retryOn: "5xx" }', then: r => r.text() },
  'no retry helps': { script: { status: 503, body: ['no', 'no'], pause: 10 }, route: 'retries: { attempts: 2, retryOn: "5xx" }' },
  'connecting fails': { script: 'refuse' },
  'connecting takes too long': { script: 'unreachable' },
  'the connection is reset': { script: 'reset' },
  'the answer is no HTTP': { script: 'garbage' },
  'the status is no HTTP': { script: { status: 999, body: 'what' } },
  'a fault is injected': { script: {}, route: 'fault: { abort: { httpStatus: 503, percentage: { value: 100 } } }' },
  'the caller leaves during a delay': {
    script: {},
    route: 'fault: { delay: { fixedDelay: 5s, percentage: { value: 100 } } }',
    meanwhile: leaveAfter(50),
  },
  'the mirror hangs': { script: ['hang', {}], route: `mirror: { host: s.test }, timeout: 1s, ${NO_RETRY}` },
  'a stream is sent and answered before its end': {
    script: {},
    init: { method: 'POST', body: new ReadableStream({ pull() {} }), duplex: 'half' } as RequestInit,
    meanwhile: leaveAfter(50),
  },
}

describe.each(Object.entries(GUARDS))('%s nothing is left when', (_, resilience) => {
  test.each(Object.entries(CASES))('%s', async (name, { script, route = NO_RETRY, init = {}, then, meanwhile }) => {
    const w = world({ [A]: script, [B]: script }, { route, ...(resilience !== undefined && { resilience }) })
    const idle = w.clock.pending
    const caller = new AbortController()
    abort.set(w, caller)
    const body = init.body instanceof ReadableStream ? new ReadableStream({ pull() {} }) : init.body
    meanwhile?.(w)
    for (const n of [1, 2]) {
      const asked = (async () => {
        const response = await w.mesh.fetch('http://s.test/', { ...init, ...(body != null && n === 1 && { body }), signal: caller.signal })
        await then?.(response, w)
        return response
      })()
      asked.catch(() => {})
      await w.clock.advanceAsync(100_000)
      await asked.catch((error: unknown) => error)
      expect(held(w), `${name}, call ${n}`).toEqual(NOTHING_HELD)
    }
    let closed = false
    void w.mesh.close({ drain: '10s' }).then(() => {
      closed = true
    })
    await w.clock.advanceAsync(0)
    expect(closed, 'no call is open').toBe(true)
    expect(w.clock.pending, 'no timer waits').toBeLessThanOrEqual(idle)
  })
})

test('slots and the adaptive limit are held to the end of the body, the breaker decides at its headers', async () => {
  const w = world({ [A]: BODY }, { resilience: GUARDS['inside all policies']! })
  const asked = w.mesh.fetch('http://s.test/')
  await w.clock.advanceAsync(1)
  const response = await asked
  expect(held(w)).toMatchObject({ requests: 1, active: 1, slots: 1, adaptive: 1 })
  const policies = w.mesh.snapshot().policies['outbound|80||s.test'] as any
  expect([policies.circuitBreaker.numberOfBufferedCalls, policies.adaptiveConcurrency.numberOfSuccessfulCalls]).toEqual([1, 1])
  await w.clock.advanceAsync(299)
  expect(await response.text()).toBe('onetwothree')
  expect(held(w)).toEqual(NOTHING_HELD)
})

test('a time limit that passes with an answer on its way is charged once', async () => {
  const step = (): Promise<FakeStep> => new Promise(resolve => w.clock.schedule(1000, () => resolve({ body: 'late' })))
  const w = world(
    { [A]: step },
    { resilience: 'timeLimiter: { timeoutDuration: 1s }, bulkhead: { maxConcurrentCalls: 9 }', route: NO_RETRY },
  )
  const asked = w.ask()
  asked.catch(() => {})
  await w.clock.advanceAsync(2000)
  expect((await asked).response.status).toBeOneOf([200, 504])
  expect(held(w)).toEqual(NOTHING_HELD)
})

test('a response that is thrown away with a large body is collected, and gives everything back', async () => {
  setFlagsFromString('--expose-gc')
  const gc: () => void = runInNewContext('gc')
  const w = world({ [A]: { body: Array.from({ length: 50 }, () => 'x'.repeat(10_000)) } }, { resilience: GUARDS['inside all policies']! })
  const drop = async () => {
    const asked = w.mesh.fetch('http://s.test/')
    await w.clock.advanceAsync(1)
    await asked
  }
  await drop()
  expect(held(w)).toMatchObject({ slots: 1 })
  await expect
    .poll(
      () => {
        gc()
        return held(w)
      },
      { timeout: 10_000, interval: 5 },
    )
    .toEqual(NOTHING_HELD)
})
