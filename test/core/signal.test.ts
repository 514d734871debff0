import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { whenAborted } from '../../src/core/signal.ts'
import {
  adaptiveConcurrency,
  bulkhead,
  cache,
  circuitBreaker,
  collapse,
  fallback,
  hedge,
  pipeline,
  rateLimiter,
  retry,
  timeLimiter,
} from '../../src/policies/index.ts'
import { watched } from '../faults/upstreams.ts'

const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length

describe('whenAborted', () => {
  test('stops listening once when one listener takes off the other while both are called', () => {
    const { controller, listeners: count } = watched()
    const offs: (() => void)[] = []
    for (let i = 0; i < 2; i++) offs.push(whenAborted(controller.signal, () => offs[1 - i]!()))
    controller.abort()
    expect(count()).toBe(0)
  })

  test('one listener for a signal, however many listen, and none when nobody does', () => {
    const { signal } = new AbortController()
    const offs = [1, 2, 3].map(() => whenAborted(signal, () => {}))
    expect(listeners(signal)).toBe(1)
    for (const off of offs) off()
    expect(listeners(signal)).toBe(0)
    offs[0]!()
    const again = whenAborted(signal, () => {})
    offs[1]!()
    expect(listeners(signal)).toBe(1)
    again()
    expect(listeners(signal)).toBe(0)
  })

  test('everybody is told once, in order; who was taken off meanwhile is not', () => {
    const controller = new AbortController()
    const { signal } = controller
    const told: string[] = []
    whenAborted(signal, () => {
      told.push(`a ${signal.reason}`)
      off()
    })
    const off = whenAborted(signal, () => told.push('b'))
    whenAborted(signal, () => told.push('c'))
    controller.abort('enough')
    controller.abort('again')
    expect(told).toEqual(['a enough', 'c'])
    expect(listeners(signal)).toBe(0)
  })

  test('every listener that is added is taken off, also after the abort', () => {
    const { controller, listeners: counted } = watched()
    whenAborted(controller.signal, () => {})
    const off = whenAborted(controller.signal, () => {})
    expect(counted()).toBe(1)
    controller.abort()
    off()
    expect(counted()).toBe(0)
  })

  test('a listener that throws keeps no other from being told', () => {
    let heard: (() => void) | undefined
    const target: any = { addEventListener: (_: string, listener: () => void) => (heard = listener), removeEventListener() {} }
    const told: string[] = []
    whenAborted(target, () => {
      throw new Error('bug')
    })
    whenAborted(target, () => told.push('b'))
    expect(() => heard!()).toThrow('bug')
    expect(told).toEqual(['b'])
  })
})

describe('a signal that many calls share, such as that of a shutdown', () => {
  const warnings: string[] = []
  const warned = (w: Error) => warnings.push(w.name)
  beforeEach(() => {
    warnings.length = 0
    process.on('warning', warned)
  })
  afterEach(() => process.off('warning', warned))

  const load = collapse(async (items: readonly number[]) => [...items])
  const limiter = rateLimiter({ limitForPeriod: 1, limitRefreshPeriod: '1h', timeoutDuration: '1h' })
  const queue = bulkhead({ maxConcurrentCalls: 1, maxWaitDuration: '1m' })
  const wait = () => new Promise<void>(() => {})
  const run = (policy: { execute: any }) => (signal: AbortSignal) => policy.execute((call: any) => call.signal && wait(), { signal })
  test.each<[string, (signal: AbortSignal) => Promise<unknown>]>([
    ['retry', run(retry())],
    ['circuitBreaker', run(circuitBreaker())],
    ['timeLimiter', run(timeLimiter({ timeoutDuration: '1m' }))],
    ['bulkhead', run(bulkhead({ maxConcurrentCalls: 3, maxWaitDuration: '1m' }))],
    ['rateLimiter', run(limiter)],
    ['hedge', run(hedge({ delay: '1m' }))],
    ['cache', run(cache({ key: () => 'k' }))],
    ['fallback', run(fallback(1))],
    ['adaptiveConcurrency', run(adaptiveConcurrency())],
    ['pipeline', run(pipeline(retry(), circuitBreaker(), timeLimiter({ timeoutDuration: '1m' }), bulkhead()))],
    ['bulkhead.acquire', signal => queue.acquire({ signal }).then(wait)],
    ['rateLimiter.acquire', signal => limiter.acquire({ signal })],
    ['collapse', signal => load(1, { signal }).then(wait)],
    ['on', async signal => circuitBreaker().on('success', () => {}, { signal })],
  ])('%s listens once', async (_name, call) => {
    const controller = new AbortController()
    const calls = Array.from({ length: 15 }, () => call(controller.signal))
    expect(listeners(controller.signal)).toBeLessThanOrEqual(1)
    controller.abort(new Error('shutdown'))
    const ended = Promise.allSettled(calls)
    if (_name === 'bulkhead.acquire' || _name === 'collapse') await Promise.race([ended, new Promise(setImmediate)])
    else await ended
    expect(listeners(controller.signal)).toBe(0)
    expect(warnings).toEqual([])
  })
})
