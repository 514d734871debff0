/** The fallback block: an answer of its own, or that of another cluster, for whatever goes wrong further in. */
import { expect, test } from 'vitest'
import { createMesh, outcomeOf } from '../../src/index.ts'
import { type FakeScript, fakeTransport, seededRandom, virtualClock } from '../../src/testing/index.ts'
import { all, policy, service, virtual } from './documents.ts'

const A = '10.0.0.1:80'
const SPARE = '10.0.0.9:80'

function meshOf(fallback: string, script: Record<string, FakeScript>, more = '', http = 'retries: { attempts: 0 }', options = {}) {
  const clock = virtualClock()
  const transport = fakeTransport(script, { clock })
  const rules = all(
    service('s', 1),
    service('t', 1, 9),
    virtual('s', `[{ route: [{ destination: { host: s.test } }], ${http} }]`),
    policy('s', `fallback: ${fallback}${more}`),
  )
  const mesh = createMesh({ rules, clock, transport, random: seededRandom(3), ...options })
  const ask = async (ms = 1, init?: RequestInit) => {
    const asked = mesh
      .fetch('http://s.test/x?y=1', init)
      .then(async response => ({ response, text: await response.text(), outcome: outcomeOf(response)! }))
    asked.catch(() => {})
    await clock.advanceAsync(ms)
    return asked
  }
  const active = () => Object.values(mesh.snapshot().clusters).flatMap(c => c.endpoints.map(e => e.active))
  return { clock, transport, mesh, ask, active }
}
const ELSEWHERE = '{ destination: { host: t.test } }'

test('bytes are given as they are', async () => {
  const { ask } = meshOf('{ directResponse: { status: 203, body: { bytes: "AP8B" } } }', { [A]: { status: 500 } })
  const { response, outcome } = await ask()
  expect([response.status, outcome.details, outcome.cluster]).toEqual([203, 'meshless_fallback', 'outbound|80||s.test'])
  const clock = meshOf('{ directResponse: { body: { bytes: "AP8B" } } }', { [A]: 'refuse' })
  const asked = clock.mesh.fetch('http://s.test/')
  await clock.clock.advanceAsync(1)
  expect([...new Uint8Array(await (await asked).arrayBuffer())]).toEqual([0, 255, 1])
})

test('another cluster is asked once, as the request came in', async () => {
  const { ask, transport, active } = meshOf(
    ELSEWHERE,
    { [A]: { status: 503 }, [SPARE]: { body: 'spare' } },
    '',
    'rewrite: { uri: /new }, retries: { attempts: 0 }',
  )
  const { response, text, outcome } = await ask(1, { method: 'POST', body: 'b' })
  expect([response.status, text, outcome.details]).toEqual([200, 'spare', 'meshless_fallback'])
  expect([outcome.cluster, outcome.endpoint, outcome.attempts]).toEqual(['outbound|80||t.test', SPARE, 2])
  expect(transport.requests.map(r => [r.endpoint, r.path, r.body])).toEqual([
    [A, '/newx?y=1', 'b'],
    [SPARE, '/x?y=1', 'b'],
  ])
  expect(active()).toEqual([0, 0])
})

test('one that fails too gives the original reply', async () => {
  const script = { [A]: { status: 503, body: 'first' }, [SPARE]: { status: 500, body: 'second' } }
  const { ask, transport, active } = meshOf(ELSEWHERE, script)
  const { response, text, outcome } = await ask()
  expect([response.status, text, outcome.details, outcome.cluster]).toEqual([503, 'first', 'via_upstream', 'outbound|80||s.test'])
  expect(transport.requests.map(r => r.endpoint)).toEqual([A, SPARE])
  expect(active()).toEqual([0, 0])
})

test('it answers for refusals, resets, timeouts and injected aborts', async () => {
  const spare = { [SPARE]: { body: 'spare' } }
  expect((await meshOf(ELSEWHERE, { [A]: 'refuse', ...spare }).ask()).outcome).toMatchObject({ flags: 'UF', details: 'meshless_fallback' })
  const late = meshOf(ELSEWHERE, { [A]: 'hang', ...spare }, '', 'timeout: 1s, retries: { attempts: 0 }')
  expect((await late.ask(1001)).outcome).toMatchObject({ flags: 'UT', details: 'meshless_fallback' })
  expect(late.active()).toEqual([0, 0])
  const full = meshOf(ELSEWHERE, { [A]: 'hang', ...spare }, ', bulkhead: { maxConcurrentCalls: 1, maxWaitDuration: 0s }')
  void full.ask().catch(() => {})
  await full.clock.advanceAsync(1)
  expect((await full.ask()).outcome).toMatchObject({ flags: 'UO', details: 'meshless_fallback' })
  const fault = meshOf(ELSEWHERE, { [A]: {}, ...spare }, '', 'fault: { abort: { httpStatus: 503, percentage: { value: 100 } } }')
  expect((await fault.ask()).outcome).toMatchObject({ flags: 'FI', details: 'meshless_fallback', attempts: 1 })
})

test('the other cluster stands under its own policies, and has the time of the route for itself', async () => {
  const own = policy('t', 'circuitBreaker: { minimumNumberOfCalls: 1 }')
  const { mesh, ask, active } = meshOf(
    ELSEWHERE,
    { [A]: { status: 503, body: 'first' }, [SPARE]: 'hang' },
    '',
    'timeout: 1s, retries: { attempts: 0 }',
  )
  expect((await mesh.patch(own)).accepted).toBe(true)
  expect((await ask(1100)).text).toBe('first')
  expect(mesh.snapshot().policies['outbound|80||t.test']).toMatchObject({ circuitBreaker: { numberOfFailedCalls: 1 } })
  ;(mesh.breaker('t.test||80') as { forceOpen(): void }).forceOpen()
  expect((await ask()).text).toBe('first')
  expect(active()).toEqual([0, 0])
})

test('it has as long as one try of the route', async () => {
  const { ask, active } = meshOf(
    ELSEWHERE,
    { [A]: { status: 503, body: 'first' }, [SPARE]: 'hang' },
    '',
    'retries: { attempts: 1, perTryTimeout: 200ms, retryOn: reset }',
  )
  expect((await ask(250)).text).toBe('first')
  expect(active()).toEqual([0, 0])
})

test('the caller who goes away while it is asked takes everything with him', async () => {
  const { mesh, clock, active } = meshOf(ELSEWHERE, { [A]: { status: 503 }, [SPARE]: 'hang' })
  const caller = new AbortController()
  const asked = mesh.fetch('http://s.test/', { signal: caller.signal })
  asked.catch(() => {})
  await clock.advanceAsync(1)
  expect(active()).toEqual([1, 1]) // the first answer is held meanwhile
  caller.abort(new Error('gone'))
  await expect(asked).rejects.toThrow('gone')
  await clock.advanceAsync(1)
  expect(active()).toEqual([0, 0])
})

test("with localReplies: 'throw' a fallback is still an answer", async () => {
  const { ask } = meshOf(
    '{ directResponse: { status: 503, body: { string: later } } }',
    { [A]: 'refuse' },
    '',
    'retries: { attempts: 0 }',
    {
      localReplies: 'throw',
    },
  )
  expect((await ask()).text).toBe('later')
})

test('a destination that does not exist is answered by the fallback of its policies, as soon as it is there by itself', async () => {
  const clock = virtualClock()
  const transport = fakeTransport({ '*': { body: 'there' } }, { clock })
  const gone = (http = '') =>
    virtual(
      's',
      `[{ match: [{ uri: { prefix: /x } }], route: [{ destination: { host: s.test, subset: gone } }]${http} }, { route: [{ destination: { host: s.test, subset: lost } }] }]`,
    )
  const rules = (more = '', http = '') =>
    all(
      service('s', 1),
      service('t', 1, 9),
      gone(http),
      `apiVersion: meshless.dev/v1
kind: ResiliencePolicy
metadata: { name: p }
spec: { targets: [{ host: s.test, subset: gone }], fallback: { directResponse: { status: 203, body: { string: f } } } }
`,
      ...(more === '' ? [] : [more]),
    )
  const mesh = createMesh({ rules: rules(), clock, transport, random: seededRandom(3) })
  const ask = async (path: string) => {
    const asked = mesh.fetch(`http://s.test${path}`)
    await clock.advanceAsync(1)
    const response = await asked
    const { flags, details, attempts } = outcomeOf(response)!
    return `${response.status} ${flags} ${details} ${attempts} ${await response.text()}`
  }
  expect([await ask('/x'), await ask('/else')]).toEqual(['203 NC meshless_fallback 0 f', '503 NC cluster_not_found 0 '])
  expect(mesh.explain({ url: 'http://s.test/x' }).warnings).toEqual([
    'outbound|80|gone|s.test does not exist: answered by the fallback of its policies',
  ])
  await mesh.apply(rules('', ', fault: { abort: { httpStatus: 500, percentage: { value: 100 } } }'))
  expect(await ask('/x')).toBe('203 FI meshless_fallback 0 f')
  await mesh.apply(
    rules(`apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: s }
spec: { host: s.test, subsets: [{ name: gone, labels: { version: v1 } }] }
`),
  )
  expect(await ask('/x')).toBe('200  via_upstream 1 there')
})

test('... or by another cluster', async () => {
  const clock = virtualClock()
  const transport = fakeTransport({ [SPARE]: { body: 'spare' } }, { clock })
  const rules = all(
    service('t', 1, 9),
    service('s', 1),
    virtual('s', '[{ route: [{ destination: { host: s.test, subset: gone } }] }]'),
    policy('s', `fallback: ${ELSEWHERE}`),
  )
  const mesh = createMesh({ rules, clock, transport, random: seededRandom(3) })
  const asked = mesh.fetch('http://s.test/x', { method: 'POST', body: 'b' })
  await clock.advanceAsync(1)
  const response = await asked
  expect([response.status, await response.text(), outcomeOf(response)!.cluster]).toEqual([200, 'spare', 'outbound|80||t.test'])
  expect(transport.requests.map(r => r.body)).toEqual(['b'])
})
