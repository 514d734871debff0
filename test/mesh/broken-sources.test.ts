/** Sources that break their promise: the mesh keeps its rules, `ready()` rejects with what was wrong, and nothing is thrown past it. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createMesh } from '../../src/index.ts'
import { fakeTransport, virtualClock } from '../../src/testing/index.ts'
import { service } from './documents.ts'

const unhandled: unknown[] = []
const note = (reason: unknown) => void unhandled.push(reason)
let warnings: string[] = []
beforeEach(() => {
  warnings = []
  vi.spyOn(process, 'emitWarning').mockImplementation(warning => void warnings.push(String((warning as Error).message ?? warning)))
  process.on('unhandledRejection', note)
})
afterEach(async () => {
  await new Promise(setImmediate)
  vi.restoreAllMocks()
  process.off('unhandledRejection', note)
  expect(unhandled.splice(0)).toEqual([])
})

function meshOf(start: any, clock = virtualClock()) {
  const mesh = createMesh({ sources: [{ name: 'mine', start }], clock, transport: fakeTransport() })
  const failures: string[] = []
  mesh.on('sourceError', ({ source, error }) => failures.push(`${source}: ${error.message}`))
  return { mesh, clock, failures }
}
const throwing = (error: unknown) => () => {
  throw error
}

describe('start', () => {
  test.each<[string, () => unknown, string]>([
    ['throws', throwing(new Error('broken')), 'broken'],
    ['throws nothing', throwing(undefined), 'source mine failed with undefined'],
    ['rejects', () => Promise.reject(new Error('broken')), 'broken'],
    ['rejects with text', () => Promise.reject('broken'), 'source mine failed with "broken"'],
    ['rejects with nothing', () => Promise.reject(), 'source mine failed with undefined'],
    ['returns a thenable that throws', () => ({ then: throwing(new Error('then')) }), 'then'],
  ])('that %s: ready() rejects', async (_how, start, message) => {
    const { mesh } = meshOf(start)
    await expect(mesh.ready()).rejects.toThrow(new Error(message))
    expect(mesh.snapshot().sources[1]).toMatchObject({ name: 'mine', state: 'failed', error: message })
    await mesh.close()
  })

  test('that is asynchronous: what its promise resolves to stops it', async () => {
    let stops = 0
    const { mesh } = meshOf(async (deliver: any) => {
      deliver([{ documents: service('a') }])
      return () => void stops++
    })
    await mesh.ready()
    await mesh.close()
    expect(stops).toBe(1)
  })

  test('that resolves after the mesh was closed is stopped all the same', async () => {
    let stops = 0
    let resolve!: (stop: () => void) => void
    const { mesh } = meshOf(() => new Promise(done => (resolve = done)))
    await mesh.close()
    resolve(() => void stops++)
    await new Promise(setImmediate)
    expect(stops).toBe(1)
  })

  test.each([
    [{ stop() {} }, '{"stop":"stop"}'],
    [5, '5'],
    ['stop', '"stop"'],
  ])('that returns %j is reported', async (returned, shown) => {
    const { mesh } = meshOf((deliver: any) => {
      deliver([{ documents: service('a') }])
      return returned
    })
    await mesh.ready()
    expect(warnings).toEqual([`source mine: start returned ${shown}; expected a function that stops it`])
    await mesh.close()
  })
})

describe('a delivery', () => {
  const EXPECTED = 'expected a list such as [{ documents: yamlText, origin: "rules.yaml" }]'
  test.each<[unknown, string]>([
    [undefined, 'undefined'],
    [service('a'), JSON.stringify(service('a')).slice(0, 57)],
    [{ documents: service('a') }, '{"documents":'],
    [[service('a')], 'a list with "'],
    [[null], 'a list with null'],
    [[{ documents: undefined }], 'a list with {}'],
    [[{ documents: 5 }], 'a list with {"documents":5}'],
    [[{ documents: '', origin: 5 }], 'an origin of 5'],
  ])('of the shape of %j is a failure that says so', async (sets, what) => {
    const { mesh, failures } = meshOf((deliver: any) => void queueMicrotask(() => deliver(sets)))
    const ready = mesh.ready().catch(error => error)
    const error = await ready
    expect(error.message).toContain(`source mine delivered ${what}`)
    expect(error.message).toContain(EXPECTED)
    expect(failures).toEqual([`mine: ${error.message}`])
    await mesh.close()
  })

  test.each([[[{ documents: [null] }]], [[{ documents: [5] }]], [[{ documents: { kind: 5 } }]]])(
    'whose documents are none (%j) is rejected, and the last set stays',
    async sets => {
      let deliver!: (sets: any) => void
      const { mesh } = meshOf((given: any) => {
        deliver = given
        given([{ documents: service('a') }])
      })
      await mesh.ready()
      deliver(sets)
      await expect.poll(() => mesh.snapshot().sources[1]!.state).not.toBe('waiting')
      expect(Object.keys(mesh.snapshot().clusters)).toContain('outbound|80||a.test')
      await mesh.close()
    },
  )

  test('a failure without an error', async () => {
    const { mesh, failures } = meshOf((_deliver: any, fail: any) => {
      queueMicrotask(() => fail())
    })
    await expect(mesh.ready()).rejects.toThrow('source mine failed with undefined')
    expect(failures).toEqual(['mine: source mine failed with undefined'])
    await mesh.close()
  })
})

describe('stop', () => {
  test.each<[string, () => unknown]>([
    ['throws', throwing(new Error('stop'))],
    ['rejects', () => Promise.reject(new Error('stop'))],
  ])('that %s is reported', async (_how, stop) => {
    const { mesh } = meshOf(() => stop)
    await mesh.close()
    expect(warnings).toEqual(['stop'])
  })

  test('that never ends holds the close for 5 s', async () => {
    const { mesh, clock } = meshOf(() => () => new Promise(() => {}))
    let closed = false
    void mesh.close().then(() => (closed = true))
    await clock.advanceAsync(4_999)
    expect(closed).toBe(false)
    await clock.advanceAsync(1)
    expect([closed, warnings, clock.pending]).toEqual([true, ['source mine did not stop within 5000 ms'], 0])
  })
})
