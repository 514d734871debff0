/** A transport, clock or random source that breaks its promise: calls settle with a clear error, nothing is kept, nothing is thrown past them. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createMesh, outcomeOf } from '../../src/index.ts'
import { fakeTransport, virtualClock } from '../../src/testing/index.ts'
import { oneService } from '../one-service.ts'

const unhandled: unknown[] = []
const note = (reason: unknown) => void unhandled.push(reason)
let warnings: string[] = []
beforeEach(() => {
  warnings = []
  vi.spyOn(process, 'emitWarning').mockImplementation(warning => void warnings.push((warning as Error).message))
  process.on('unhandledRejection', note)
  process.on('uncaughtException', note)
})
afterEach(async () => {
  await new Promise(setImmediate)
  vi.restoreAllMocks()
  process.off('unhandledRejection', note)
  process.off('uncaughtException', note)
  expect(unhandled.splice(0)).toEqual([])
})

const rules = oneService({ endpoints: ['10.0.0.1'], http: 'retries: { attempts: 0 }' })
const throwing = (error: unknown) => () => {
  throw error
}

describe('a transport', () => {
  /** A connection that is there at once; `send` decides about requests. */
  const connecting = (send: (listener: any) => any, more = {}) => ({
    connect(_target: any, listener: any) {
      const connection = { concurrency: 1, drain() {}, destroy: () => queueMicrotask(() => listener.closed(connection)), ...more }
      Object.assign(connection, { send: (_request: any, stream: any) => send(stream) })
      queueMicrotask(() => listener.connected(connection))
      return connection
    },
  })
  const answering = (response: any) =>
    connecting(stream => {
      queueMicrotask(() => stream.response(response))
      return { cancel() {} }
    })

  test.each<[string, any, RegExp]>([
    ['connect throws', { connect: throwing(new Error('no network')) }, /^503 UF .*no_network/],
    ['connect throws nothing', { connect: throwing(undefined) }, /^503 UF/],
    ['connect returns nothing', { connect: () => {} }, /^503 UF .*transport.connect_returned_undefined;_expected_a_connection/],
    ['connect is asynchronous', { connect: async () => {} }, /^503 UF .*expected_a_connection/],
    ['connect rejects', { connect: () => Promise.reject(new Error('no')) }, /^503 UF .*expected_a_connection/],
    ['send throws', connecting(throwing(new Error('no bytes'))), /^fetch failed: no bytes/],
    ['send returns nothing', connecting(() => {}), /^fetch failed: connection.send returned undefined; expected a stream with cancel/],
    ['the response is nothing', answering(undefined), /^502 UPE .*protocol_error/],
    ['the response has no headers', answering({ status: 200 }), /^502 UPE .*protocol_error/],
    ['the response has no body', answering({ status: 200, headers: [] }), /^502 UPE .*protocol_error/],
    ['the response has a text for a status', answering({ status: '200', headers: [], body: { read() {} } }), /^502 UPE .*protocol_error/],
  ])('%s', async (_what, transport, expected) => {
    const mesh = createMesh({ rules, transport })
    const ask = () =>
      mesh.fetch('http://s.test/').then(
        response => `${response.status} ${outcomeOf(response)!.flags} ${outcomeOf(response)!.details}`,
        error => `${error.message}: ${error.cause?.message}`,
      )
    expect(await ask()).toMatch(expected)
    expect(await ask()).toMatch(expected)
    await new Promise(setImmediate)
    const { upstream_rq_active, upstream_rq_pending_active } = mesh.snapshot().clusters['outbound|80||s.test']!.stats
    expect([upstream_rq_active, upstream_rq_pending_active]).toEqual([0, 0])
    await mesh.close()
  })
})

describe('a clock', () => {
  const good = () => virtualClock()
  test.each<[string, object, string]>([
    ['now', { now: () => undefined }, 'clock: now() returned undefined; expected a number of milliseconds'],
    ['now', { now: () => Number.NaN }, 'clock: now() returned NaN; expected a number of milliseconds'],
    ['wall', { wall: () => new Date(0) }, 'clock: wall() returned "1970-01-01T00:00:00.000Z"; expected a number of milliseconds'],
    ['schedule', { schedule: () => undefined }, 'clock: schedule() returned undefined; expected { cancel() }'],
    ['schedule', { schedule: () => 5 }, 'clock: schedule() returned 5; expected { cancel() }'],
  ])('whose %s is wrong is refused: %j', (_method, wrong, message) => {
    expect(() => createMesh({ clock: { ...good(), ...wrong } as any })).toThrow(message)
  })

  test('that is right has no timer of the check left', () => {
    const clock = virtualClock()
    createMesh({ clock, transport: fakeTransport() })
    expect(clock.pending).toBe(0)
  })
})

describe('a random source', () => {
  test.each<[unknown, string]>([
    [() => 1, 'random returned 1; expected a number in [0, 1)'],
    [() => -0.1, 'random returned -0.1; expected a number in [0, 1)'],
    [() => Number.NaN, 'random returned NaN; expected a number in [0, 1)'],
    [() => '0.5', 'random returned "0.5"; expected a number in [0, 1)'],
    [() => undefined, 'random returned undefined; expected a number in [0, 1)'],
    [throwing(new Error('empty')), 'empty'],
    [throwing(undefined), 'random threw undefined'],
  ])('%s is reported once, and the call goes on', async (random, message) => {
    const split = oneService({ endpoints: ['10.0.0.1', '10.0.0.2'], policy: '{ loadBalancer: { simple: RANDOM } }' })
    const mesh = createMesh({ rules: split, random: random as any, transport: fakeTransport({ '*': { body: 'ok' } }) })
    for (let i = 0; i < 3; i++) expect((await mesh.fetch('http://s.test/')).status).toBe(200)
    expect(warnings).toEqual([message])
    await mesh.close()
  })
})
